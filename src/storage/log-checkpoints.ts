/** What the three checkpoint files of a directory say of its logs. */
import type { OffsetEntry } from './checkpoint-file.ts'
import type { CheckpointKind } from './log-directory.ts'
import type { LogReplica } from './log-replicas.ts'

export function checkpointEntries(kind: CheckpointKind, replicas: Iterable<LogReplica>): OffsetEntry[] {
  const entries: OffsetEntry[] = []
  for (const { log } of replicas) {
    const offset = offsetOf(kind, log)
    if (offset === null) continue
    const { topic, partition } = log.topicPartition
    entries.push({ topic, partition, offset })
  }
  return entries
}

function offsetOf(kind: CheckpointKind, log: LogReplica['log']): number | null {
  switch (kind) {
    case 'recoveryPoint':
      return log.recoveryPoint
    case 'highWatermark':
      return log.highWatermark
    case 'logStart':
      // Where the first segment says it already, nothing needs to be stored.
      return log.startOffset > log.firstSegmentOffset ? log.startOffset : null
  }
}
