/**
 * The delta from one image to another where no records lead from one to the other: a broker that was away for long gets a
 * snapshot. Holds what those act on who follow deltas: topics and overrides of configuration. The rest they read from the image.
 */
import { MetadataDelta } from './delta.ts'
import type { MetadataImage } from './image.ts'
import { topicRecords } from './image-records.ts'
import { metadataRecord } from './metadata-records.ts'
import type { TopicImage } from './topics-image.ts'

export function imageDifference(from: MetadataImage, to: MetadataImage): MetadataDelta {
  const delta = new MetadataDelta(from)
  for (const topic of from.topics.all()) {
    // The same name with another id is a deletion and a creation.
    if (to.topics.byId(topic.id) === null) delta.replay(metadataRecord('RemoveTopicRecord', 0, { topicId: topic.id }))
  }
  const level = to.features.metadataVersion
  for (const topic of to.topics.all()) {
    const before = from.topics.byId(topic.id)
    if (before === null) for (const record of topicRecords(topic, level)) delta.replay(record)
    else replayPartitions(delta, before, topic, level)
  }
  replayConfigs(delta, from, to)
  return delta
}

function replayPartitions(delta: MetadataDelta, before: TopicImage, after: TopicImage, level: number): void {
  for (const record of topicRecords(after, level)) {
    if (record.type !== 'PartitionRecord') continue
    const { partitionId } = record.data
    const same = JSON.stringify(before.partitions[partitionId]) === JSON.stringify(after.partitions[partitionId])
    if (!same) delta.replay(record)
  }
}

function replayConfigs(delta: MetadataDelta, from: MetadataImage, to: MetadataImage): void {
  const set = (resourceType: number, resourceName: string, name: string, value: string | null): void =>
    delta.replay(metadataRecord('ConfigRecord', 0, { resourceType, resourceName, name, value }))
  for (const { type, name, values } of from.configs.all()) {
    const now = to.configs.get(type, name)
    for (const key of values.keys()) if (!now.has(key)) set(type, name, key, null)
  }
  for (const { type, name, values } of to.configs.all()) {
    const before = from.configs.get(type, name)
    for (const [key, value] of values) if (before.get(key) !== value) set(type, name, key, value)
  }
}
