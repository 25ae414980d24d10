/** `kafka-topics.sh --describe`: a line for each topic, and one below it for each partition. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { Node } from '../../client/admin/admin-types.ts'
import type { ConfigEntry } from '../../client/admin/config-entry.ts'
import type { TopicDescription, TopicPartitionInfo } from '../../client/admin/describe-topics.ts'
import type { TopicCollection } from '../../client/admin/topics.ts'
import type { Terminal } from '../tool/tool.ts'
import type { TopicsOptions } from './topics-options.ts'

const PARTITIONS_PER_RESPONSE = 2000

export async function describeTopics(
  admin: AdminClient,
  topics: TopicCollection,
  options: TopicsOptions,
  terminal: Terminal,
): Promise<void> {
  const limit = options.integer('partition-size-limit-per-response') ?? PARTITIONS_PER_RESPONSE
  const described = await admin.describeTopics(topics, { partitionSizeLimitPerResponse: limit })
  const descriptions = [...described.all().values()].sort((one, other) => (one.name < other.name ? -1 : 1))
  const resources = descriptions.map(({ name }) => ({ type: 'TOPIC', name }) as const)
  const [configs, cluster] = await Promise.all([admin.describeConfigs(resources), admin.describeCluster()])
  const live = new Set(cluster.nodes.map(({ id }) => id))
  for (const description of descriptions) {
    describeTopic(description, configs.get({ type: 'TOPIC', name: description.name }), live, options, terminal)
  }
}

function describeTopic(
  topic: TopicDescription,
  config: readonly ConfigEntry[],
  live: ReadonlySet<number>,
  options: TopicsOptions,
  terminal: Terminal,
): void {
  const own = config.filter(({ isDefault }) => !isDefault)
  const onlyOverrides = options.has('topics-with-overrides')
  const reports = reportsOf(
    options,
    Number(config.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1),
    live,
  )
  if (reports.length === 0 && (!onlyOverrides || own.length > 0)) terminal.out(topicLine(topic, own))
  if (onlyOverrides) return
  for (const partition of topic.partitions) {
    if (reports.length > 0 && !reports.some((isMeant) => isMeant(partition))) continue
    terminal.out(partitionLine(topic.name, partition))
  }
}

type Report = (partition: TopicPartitionInfo) => boolean

function reportsOf(options: TopicsOptions, minIsr: number, live: ReadonlySet<number>): readonly Report[] {
  const reports: Report[] = []
  if (options.has('under-replicated-partitions')) reports.push(({ replicas, isr }) => replicas.length > isr.length)
  if (options.has('unavailable-partitions')) reports.push(({ leader }) => leader === null || !live.has(leader.id))
  if (options.has('under-min-isr-partitions')) reports.push(({ leader, isr }) => leader === null || isr.length < minIsr)
  if (options.has('at-min-isr-partitions')) reports.push(({ isr }) => isr.length === minIsr)
  return reports
}

function topicLine({ name, topicId, partitions }: TopicDescription, own: readonly ConfigEntry[]): string {
  const parts = [`Topic: ${name}`]
  if (topicId !== null) parts.push(`TopicId: ${topicId}`)
  parts.push(`PartitionCount: ${partitions.length}`)
  parts.push(`ReplicationFactor: ${partitions[0]?.replicas.length ?? 0}`)
  parts.push(`Configs: ${own.map((entry) => `${entry.name}=${entry.value}`).join(',')}`)
  return parts.join('\t')
}

function partitionLine(
  topic: string,
  { partition, leader, replicas, isr, elr, lastKnownElr }: TopicPartitionInfo,
): string {
  const ids = (nodes: readonly Node[] | null) => (nodes === null ? 'N/A' : nodes.map(({ id }) => id).join(','))
  const parts = [
    `\tTopic: ${topic}`,
    `Partition: ${partition}`,
    `Leader: ${leader?.id ?? 'none'}`,
    `Replicas: ${ids(replicas)}`,
    `Isr: ${ids(isr)}`,
    `Elr: ${ids(elr)}`,
    `LastKnownElr: ${ids(lastKnownElr)}`,
  ]
  return parts.join('\t')
}
