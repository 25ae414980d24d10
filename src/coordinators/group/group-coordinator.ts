/**
 * The group coordinator of one broker: classic groups and committed offsets, kept in `__consumer_offsets` (surface;
 * bodies follow).
 */
import type { Logger } from '../../base/logger.ts'
import { KafkaError } from '../../base/errors.ts'
import type { MetadataImage } from '../../metadata/image.ts'
import type { Init } from '../../protocol/codec.ts'
import type { DeleteGroupsRequest, DeleteGroupsResponse } from '../../protocol/generated/delete-groups.ts'
import type { DescribeGroupsRequest, DescribeGroupsResponse } from '../../protocol/generated/describe-groups.ts'
import type { HeartbeatRequest, HeartbeatResponse } from '../../protocol/generated/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/generated/leave-group.ts'
import type { ListGroupsRequest, ListGroupsResponse } from '../../protocol/generated/list-groups.ts'
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/generated/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/generated/offset-delete.ts'
import type { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/generated/offset-fetch.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import type { Clock, Random } from '../../world/world.ts'
import type { PartitionWriter } from '../runtime/partition-writer.ts'
import type { GroupCoordinatorConfig } from './group-config.ts'

/** Who asks, and in which version: several answers depend on it. */
export interface GroupRequestContext {
  readonly apiVersion: number
  /** Null counts as empty, as in Kafka. */
  readonly clientId: string | null
  /** The peer's address without port, e.g. `127.0.0.1`; stored as Kafka prints it, `/127.0.0.1`. */
  readonly clientAddress: string
}

export interface GroupCoordinatorOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly writer: PartitionWriter
  readonly config: GroupCoordinatorConfig
}

/**
 * Authorisation is the caller's: it asks for the allowed topics only and adds the denied ones to the answer. Every
 * method resolves (errors are inside the answer, per group, topic or partition as the API has it), some after long:
 * a join is held until its rebalance completes.
 */
export class GroupCoordinator {
  constructor(_options: GroupCoordinatorOptions) {}
  /** Starts serving what is decided from now on by this configuration. */
  setConfig(_config: GroupCoordinatorConfig): void {}
  /** Leader of `__consumer_offsets`-`partition` now: loads it; its groups answer COORDINATOR_LOAD_IN_PROGRESS until then. Resolves when loaded or given up. */
  onElected(_partition: number, _leaderEpoch: number): Promise<void> {
    return Promise.resolve()
  }
  /** No longer leader (also: the topic was deleted). Held requests answer NOT_COORDINATOR. */
  onResigned(_partition: number): void {}
  /** Each new image, after the replica manager has taken it: removes offsets of deleted topics, maps topic ids. */
  onMetadataImage(_image: MetadataImage): void {}
  /** `__consumer_offsets` partition of a group: what FindCoordinator looks up. */
  partitionOf(_groupId: string): number {
    return 0
  }
  /** Answers everything that is held with NOT_COORDINATOR and stops all timers. */
  close(): void {}

  joinGroup(_context: GroupRequestContext, _request: JoinGroupRequest): Promise<Init<JoinGroupResponse>> {
    return this.#soon()
  }
  syncGroup(_context: GroupRequestContext, _request: SyncGroupRequest): Promise<Init<SyncGroupResponse>> {
    return this.#soon()
  }
  heartbeat(_context: GroupRequestContext, _request: HeartbeatRequest): Promise<Init<HeartbeatResponse>> {
    return this.#soon()
  }
  leaveGroup(_context: GroupRequestContext, _request: LeaveGroupRequest): Promise<Init<LeaveGroupResponse>> {
    return this.#soon()
  }
  offsetCommit(_context: GroupRequestContext, _request: OffsetCommitRequest): Promise<Init<OffsetCommitResponse>> {
    return this.#soon()
  }
  offsetFetch(_context: GroupRequestContext, _request: OffsetFetchRequest): Promise<Init<OffsetFetchResponse>> {
    return this.#soon()
  }
  offsetDelete(_context: GroupRequestContext, _request: OffsetDeleteRequest): Promise<Init<OffsetDeleteResponse>> {
    return this.#soon()
  }
  listGroups(_context: GroupRequestContext, _request: ListGroupsRequest): Promise<Init<ListGroupsResponse>> {
    return this.#soon()
  }
  describeGroups(
    _context: GroupRequestContext,
    _request: DescribeGroupsRequest,
  ): Promise<Init<DescribeGroupsResponse>> {
    return this.#soon()
  }
  deleteGroups(_context: GroupRequestContext, _request: DeleteGroupsRequest): Promise<Init<DeleteGroupsResponse>> {
    return this.#soon()
  }

  #soon(): Promise<never> {
    return Promise.reject(new KafkaError('COORDINATOR_NOT_AVAILABLE', 'the coordinator is not there yet'))
  }
}
