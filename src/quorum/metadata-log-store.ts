/** What the quorum needs of the partition log under it; `storage/partition-log.ts` is one, tests have another in memory. */
import type { PartitionLog } from '../storage/partition-log.ts'

export type MetadataLogStore = Pick<
  PartitionLog,
  | 'startOffset'
  | 'assignedEnd'
  | 'writtenEnd'
  | 'epochStarts'
  | 'latestEpoch'
  | 'sizeBytes'
  | 'append'
  | 'assignEpoch'
  | 'onFailed'
  | 'setHighWatermark'
  | 'scan'
  | 'read'
  | 'truncateTo'
  | 'deleteRecordsBefore'
  | 'deleteOldSegments'
  | 'truncateFullyAndStartAt'
  | 'flush'
  | 'close'
  | 'closeHard'
>
