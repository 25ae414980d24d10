/**
 * What an Admin does when a broker answers that a quota is exceeded: it sends nothing more over that connection for as long as the
 * answer says (KIP-219). Brokers from 2.0 answer at once and expect that of clients; older ones held the answer back
 * instead, and waiting again would double the time: they are known by the versions that they speak.
 */
import { OperationalError } from '../../base/errors.ts'
import type { AnyApi } from '../../protocol/codec.ts'
import type { BrokerConnection } from '../../rpc/broker-connection.ts'
import type { Clock } from '../../world/world.ts'
import { pause } from '../call.ts'
import { ClientError } from '../errors.ts'

/** The first version whose answers come at once, of the APIs that are older than that. */
const AT_ONCE_FROM: Readonly<Record<string, number>> = {
  AlterConfigs: 1,
  AlterReplicaLogDirs: 1,
  CreateAcls: 1,
  CreateDelegationToken: 1,
  CreatePartitions: 1,
  CreateTopics: 3,
  DeleteAcls: 1,
  DeleteGroups: 1,
  DeleteRecords: 1,
  DeleteTopics: 2,
  DescribeAcls: 1,
  DescribeConfigs: 2,
  DescribeDelegationToken: 1,
  DescribeGroups: 2,
  DescribeLogDirs: 1,
  ExpireDelegationToken: 1,
  FindCoordinator: 2,
  InitProducerId: 1,
  LeaveGroup: 2,
  ListGroups: 2,
  ListOffsets: 3,
  Metadata: 6,
  OffsetCommit: 4,
  OffsetFetch: 4,
  RenewDelegationToken: 1,
}

/** An answer came that asks for so much patience. */
export function noticeThrottle(
  connection: BrokerConnection,
  api: AnyApi,
  version: number,
  throttleTimeMs: number,
  nowMs: number,
): void {
  if (throttleTimeMs <= 0 || version < (AT_ONCE_FROM[api.name] ?? 0)) return
  connection.throttledUntilMs = Math.max(connection.throttledUntilMs, nowMs + throttleTimeMs)
}

/**
 * Resolves when the broker takes requests again. Rejects with ClientError TIMED_OUT at once if that is not before `deadlineMs`, and
 * with OperationalError NETWORK_FAILED if the connection closes meanwhile.
 */
export async function untilUnthrottled(
  connection: BrokerConnection,
  api: AnyApi,
  clock: Clock,
  deadlineMs: number,
): Promise<void> {
  const waitMs = connection.throttledUntilMs - clock.monotonicMs()
  if (waitMs <= 0) return
  if (connection.throttledUntilMs >= deadlineMs) {
    throw new ClientError(
      'TIMED_OUT',
      `${api.name}: a quota is exceeded, and the broker takes nothing for ${waitMs} ms.`,
    )
  }
  const closed = new AbortController()
  connection.onClosed(() =>
    closed.abort(
      new OperationalError('NETWORK_FAILED', `${api.name}: the connection was closed while a quota made it wait`),
    ),
  )
  await pause(clock, waitMs, closed.signal)
}
