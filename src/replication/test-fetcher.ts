/** A fetcher as tests of replication have it: it follows one log, without a quota. */
import { SILENT, type Logger } from '../base/logger.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { FollowerLog } from './follower-log.ts'
import type { LeaderLink } from './leader-link.ts'
import { ReplicaFetcher, type ReplicaFetcherOptions } from './replica-fetcher.ts'
import { UNLIMITED } from './test-partition.ts'

export interface TestFetcher extends Pick<ReplicaFetcherOptions, 'leaderId' | 'clock' | 'broken'> {
  readonly link: LeaderLink
  /** The one that is there now. */
  readonly log: () => PartitionLog
  readonly settings: ReturnType<ReplicaFetcherOptions['settings']>
  readonly logger?: Logger
}

export function testFetcher({ log, settings, logger = SILENT, ...of }: TestFetcher): ReplicaFetcher {
  return new ReplicaFetcher({
    ...of,
    logger,
    followerLog: new FollowerLog({ cut: (_topic, _index, change) => change(log()) }, logger),
    settings: () => settings,
    quota: UNLIMITED,
    idle: () => {},
  })
}
