/**
 * What the metadata says of a broker until it has registered was decided for the process before it, which may have had more in its
 * logs: a killed one that comes back within its session is still the leader of what it led. It must not lead on in those
 * epochs, or two batches have one offset and one epoch. The controller decides anew when it registers the new incarnation.
 */
import type { Uuid } from '../base/uuid.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { TopicChange } from '../metadata/topics-delta.ts'
import type { TopicImage } from '../metadata/topics-image.ts'

export function isRegistered(image: MetadataImage, nodeId: number, incarnationId: Uuid): boolean {
  return image.cluster.brokers.get(nodeId)?.incarnationId === incarnationId
}

/** Without a leader where it is this broker; older than the metadata has it, so that the metadata's own is news later. */
export function withoutLeader(topic: TopicImage, nodeId: number): TopicImage {
  return {
    ...topic,
    partitions: topic.partitions.map((partition) =>
      partition.leader === nodeId
        ? { ...partition, leader: -1, partitionEpoch: partition.partitionEpoch - 1 }
        : partition,
    ),
  }
}

/** What changes with the registration: what else came with it, and all that this broker leads in that image. */
export function changesOfRegistration(
  changes: readonly TopicChange[],
  image: MetadataImage,
  nodeId: number,
): readonly TopicChange[] {
  const changeOf = new Map(changes.map((change) => [change.after.name, change]))
  for (const after of image.topics.all()) {
    const led = [...after.partitions.keys()].filter((index) => after.partitions[index]?.leader === nodeId)
    const { before = after, partitions = [] } = changeOf.get(after.name) ?? {}
    if (led.length === 0) continue
    changeOf.set(after.name, {
      before: before === null ? null : withoutLeader(before, nodeId),
      after,
      partitions: new Set([...partitions, ...led]),
    })
  }
  return [...changeOf.values()]
}
