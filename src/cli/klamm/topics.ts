/** `klamm topics …` */
import { KafkaError } from '../../base/errors.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicDescription, TopicPartitionInfo } from '../../client/admin/describe-topics.ts'
import { keyValues } from '../clients/client-properties.ts'
import { nameOf, offsetsAt } from '../offsets/offset-plan.ts'
import type { Run } from './command.ts'
import { notFound, usageError } from './exits.ts'
import { matcherOf } from './match.ts'
import { describedTopics } from './topic-names.ts'

export const listTopics: Run = async ({ words, output, withAdmin }) => {
  const [pattern] = words.positionals
  const matches = pattern === undefined ? () => true : matcherOf(pattern)
  const topics = await withAdmin(async (admin) => {
    const listed = await admin.listTopics({ listInternal: words.has('internal') })
    const names = listed.map(({ name }) => name).filter(matches)
    return [...(await admin.describeTopics(names.sort())).values().values()]
  })
  const data = topics.map(({ name, partitions, isInternal }) => ({
    name,
    partitions: partitions.length,
    replicas: Math.max(0, ...partitions.map(({ replicas }) => replicas.length)),
    internal: isInternal,
  }))
  output.show(data, () => [
    {
      title: null,
      columns: ['name', 'partitions', 'replicas'],
      rows: data.map(({ name, partitions, replicas }) => [name, partitions, replicas]),
    },
  ])
}

export const describeTopics: Run = async ({ words, output, withAdmin }) => {
  const data = await withAdmin(async (admin) => {
    const topics = await describedTopics(admin, words.positionals)
    return await Promise.all(topics.map((topic) => described(admin, topic)))
  })
  output.show(data, () =>
    data.map((topic) => ({
      title: `${topic.name} (${topic.topicId ?? 'no id'})`,
      columns: ['partition', 'leader', 'replicas', 'isr', 'start', 'end'],
      rows: topic.partitions.map((one) => [
        one.partition,
        one.leader,
        one.replicas.join(','),
        one.isr.join(','),
        one.startOffset,
        one.endOffset,
      ]),
    })),
  )
}

async function described(admin: AdminClient, { name, topicId, isInternal, partitions }: TopicDescription) {
  // A partition without a leader has nobody to ask.
  const led = partitions.filter(({ leader }) => leader !== null).map(({ partition }) => ({ topic: name, partition }))
  const [starts, ends] = await Promise.all([offsetsAt(admin, led, 'earliest'), offsetsAt(admin, led, 'latest')])
  return {
    name,
    topicId,
    internal: isInternal,
    partitions: partitions.map((info: TopicPartitionInfo) => {
      const key = nameOf({ topic: name, partition: info.partition })
      return {
        partition: info.partition,
        leader: info.leader?.id ?? null,
        replicas: info.replicas.map(({ id }) => id),
        isr: info.isr.map(({ id }) => id),
        startOffset: starts.get(key) ?? null,
        endOffset: ends.get(key) ?? null,
      }
    }),
  }
}

export const createTopics: Run = async ({ words, output, withAdmin }) => {
  const numPartitions = words.integer('partitions', 1)
  const replicationFactor = words.integer('replicas', 1)
  const topics = [...new Set(words.positionals)].map((name) => ({
    name,
    configs: Object.fromEntries(keyValues(words.values('config'))),
    ...(numPartitions !== null && { numPartitions }),
    ...(replicationFactor !== null && { replicationFactor }),
  }))
  const isDry = words.has('dry-run')
  const outcomes = await withAdmin((admin) => admin.createTopics(topics, { validateOnly: isDry }))
  const errors: Error[] = []
  const data = topics.map(({ name }) => {
    const outcome = outcomes.outcome(name)
    const isThere = outcome instanceof KafkaError && outcome.code === 'TOPIC_ALREADY_EXISTS'
    if (isThere && words.has('if-not-exists')) return { name, status: 'exists' }
    if (!(outcome instanceof Error)) return { name, status: isDry ? 'valid' : 'created' }
    errors.push(outcome)
    return { name, status: 'failed' }
  })
  const sentences: Readonly<Record<string, string>> = {
    exists: 'is there already',
    valid: 'could be created',
    created: 'created',
    failed: 'not created',
  }
  output.done(
    data,
    data.map(({ name, status }) => `${name}: ${sentences[status]}.`),
  )
  if (errors[0] !== undefined) throw errors[0]
}

export const alterTopic: Run = async ({ words, output, withAdmin }) => {
  const [name = ''] = words.positionals
  const totalCount = words.integer('partitions', 1)
  const settings = [...keyValues(words.values('config'))]
  if (totalCount === null && settings.length === 0) {
    throw usageError('Say --partitions or --config: what shall be changed?', 'klamm topics alter')
  }
  const validateOnly = words.has('dry-run')
  await withAdmin(async (admin) => {
    await describedTopics(admin, [name])
    if (totalCount !== null) (await admin.createPartitions([{ topic: name, totalCount }], { validateOnly })).all()
    if (settings.length > 0) {
      const operations = settings.map(([key, value]) => ({ name: key, value }))
      const resource = { type: 'TOPIC', name } as const
      ;(await admin.incrementalAlterConfigs([{ resource, operations }], { validateOnly })).all()
    }
  })
  const status = validateOnly ? 'valid' : 'altered'
  output.done([{ name, status }], [`${name}: ${validateOnly ? 'could be altered' : 'altered'}.`])
}

export const deleteTopics: Run = async ({ words, output, withAdmin }) => {
  const names = [...new Set(words.positionals)]
  const data = await withAdmin(async (admin) => {
    const known = (await admin.listTopics({ listInternal: true })).map(({ name }) => name)
    const missing = names.filter((name) => !known.includes(name))
    if (missing[0] !== undefined && !words.has('if-exists')) throw notFound('topic', missing[0], known)
    const there = names.filter((name) => known.includes(name))
    const failed = there.length === 0 ? new Map<string, Error>() : (await admin.deleteTopics(there)).errors()
    return names.map((name) => {
      const error = failed.get(name) ?? null
      return { name, status: error !== null ? 'failed' : there.includes(name) ? 'deleted' : 'absent', error }
    })
  })
  const sentences: Readonly<Record<string, string>> = {
    failed: 'not deleted',
    deleted: 'deleted',
    absent: 'was not there',
  }
  output.done(
    data.map(({ name, status }) => ({ name, status })),
    data.map(({ name, status }) => `${name}: ${sentences[status]}.`),
  )
  for (const { error } of data) if (error !== null) throw error
}
