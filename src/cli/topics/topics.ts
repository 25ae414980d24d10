/** kafka-topics.sh: create, list, describe, alter and delete topics. */
import { parseUuid, ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import { clientSentence, isKafkaError, makeAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { topicFilter } from '../text/topic-filter.ts'
import { failure } from '../tool/tool-exit.ts'
import { isOutside, type Terminal, type Tool } from '../tool/tool.ts'
import { describeTopics } from './describe-topics.ts'
import { parseTopicConfigs } from './topic-configs.ts'
import { replicaAssignments, topicsOptions, type TopicsAction, type TopicsOptions } from './topics-options.ts'

export const topics: Tool = async (argv, host) => {
  const { terminal } = host
  const { action, options } = topicsOptions(argv, terminal)
  const properties = await commandConfig(host.world.disk, options.value('command-config'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  const admin = await makeAdmin(host, properties)
  try {
    await ACTIONS[action](admin, options, terminal)
    return 0
  } catch (error) {
    if (!isOutside(error)) throw error
    terminal.out(`Error while executing topic command : ${clientSentence(error)}`)
    return 1
  } finally {
    await admin.close()
  }
}

type Action = (admin: AdminClient, options: TopicsOptions, terminal: Terminal) => Promise<void>

const ACTIONS: Readonly<Record<TopicsAction, Action>> = {
  create: createTopic,
  list: async (admin, options, terminal) => {
    const names = await topicNames(admin, options)
    terminal.out(names.join('\n'))
  },
  alter: alterTopics,
  describe: async (admin, options, terminal) => {
    const id = topicId(options)
    if (id !== null) {
      const listed = await admin.listTopics({ listInternal: !options.has('exclude-internal') })
      const isThere = listed.some(({ topicId }) => topicId === id)
      if (!isThere && !options.has('if-exists')) throw failure(`TopicId '${id}' does not exist as expected`)
      if (isThere) await describeTopics(admin, { ids: [id] }, options, terminal)
      return
    }
    const names = await existingTopics(admin, options)
    if (names.length > 0) await describeTopics(admin, names, options, terminal)
  },
  delete: async (admin, options) => {
    const names = await existingTopics(admin, options)
    if (names.length > 0) (await admin.deleteTopics(names, { retryOnQuotaViolation: false })).all()
  },
}

/** Null without one: then names decide. The zero id counts as none. */
function topicId(options: TopicsOptions): Uuid | null {
  const text = options.value('topic-id')
  if (text === null) return null
  const id = parseUuid(text)
  if (id === null) throw failure(`Input string \`${text}\` is not the id of a topic: it has 22 letters and digits.`)
  return id === ZERO_UUID ? null : id
}

async function topicNames(admin: AdminClient, options: TopicsOptions): Promise<readonly string[]> {
  const excludesInternal = options.has('exclude-internal')
  const pattern = options.value('topic')
  const listed = await admin.listTopics({ listInternal: !excludesInternal })
  const isAllowed = pattern === null ? () => true : topicFilter(pattern)
  return listed
    .map(({ name }) => name)
    .filter(isAllowed)
    .sort()
}

async function existingTopics(admin: AdminClient, options: TopicsOptions): Promise<readonly string[]> {
  const names = await topicNames(admin, options)
  const topic = options.value('topic') ?? ''
  if (names.length === 0 && topic !== '' && !options.has('if-exists')) {
    throw failure(`Topic '${topic}' does not exist as expected`)
  }
  return names
}

async function createTopic(admin: AdminClient, options: TopicsOptions, terminal: Terminal): Promise<void> {
  const name = options.value('topic') ?? ''
  const numPartitions = options.integer('partitions')
  const replicationFactor = options.integer('replication-factor')
  const assignment = options.value('replica-assignment')
  const replicasAssignments = assignment === null || assignment === '' ? null : replicaAssignments(assignment)
  const configs = await parseTopicConfigs(options.values('config'))
  if (/[._]/.test(name)) {
    terminal.out(
      "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.",
    )
  }
  if (replicationFactor !== null && (replicationFactor < 1 || replicationFactor > 32_767)) {
    throw failure('The replication factor must be between 1 and 32767 inclusive')
  }
  if (numPartitions !== null && numPartitions < 1) throw failure('The partitions must be greater than 0')
  if (name === '') throw failure("The given topic name '' cannot be represented in a request.")
  const numbers = {
    ...(numPartitions !== null && { numPartitions }),
    ...(replicationFactor !== null && { replicationFactor }),
  }
  const topic = { name, configs, ...(replicasAssignments === null ? numbers : { replicasAssignments }) }
  const created = await admin.createTopics([topic], { retryOnQuotaViolation: false })
  const outcome = created.outcome(name)
  if (isKafkaError(outcome, 'TOPIC_ALREADY_EXISTS') && options.has('if-not-exists')) return
  created.all()
  terminal.out(`Created topic ${name}.`)
}

async function alterTopics(admin: AdminClient, options: TopicsOptions): Promise<void> {
  const totalCount = options.integer('partitions') ?? 0
  const assignment = options.value('replica-assignment')
  const replicas = assignment === null || assignment === '' ? null : replicaAssignments(assignment)
  await parseTopicConfigs(options.values('config'))
  const names = await existingTopics(admin, options)
  if (names.length === 0) return
  const described = replicas === null ? null : await admin.describeTopics(names)
  const newPartitions = names.map((topic) => {
    if (replicas === null || described === null) return { topic, totalCount }
    return { topic, totalCount, newAssignments: replicas.slice(described.get(topic).partitions.length) }
  })
  ;(await admin.createPartitions(newPartitions, { retryOnQuotaViolation: false })).all()
}
