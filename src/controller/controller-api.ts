/**
 * What the active controller answers: one method per API, named like it. Each resolves once its records are committed
 * and in the published image; expected failures are error codes inside the answer, a lost write or leadership rejects with
 * KafkaError NOT_CONTROLLER. Callers have authorized the request.
 */
import type { Init } from '../protocol/codec.ts'
import type { AddRaftVoterRequest, AddRaftVoterResponse } from '../protocol/generated/add-raft-voter.ts'
import type {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '../protocol/generated/allocate-producer-ids.ts'
import type { AlterClientQuotasRequest, AlterClientQuotasResponse } from '../protocol/generated/alter-client-quotas.ts'
import type { AlterConfigsRequest, AlterConfigsResponse } from '../protocol/generated/alter-configs.ts'
import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/generated/alter-partition.ts'
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../protocol/generated/alter-partition-reassignments.ts'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/generated/assign-replicas-to-dirs.ts'
import type { BrokerHeartbeatRequest, BrokerHeartbeatResponse } from '../protocol/generated/broker-heartbeat.ts'
import type {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from '../protocol/generated/broker-registration.ts'
import type {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from '../protocol/generated/controller-registration.ts'
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../protocol/generated/create-partitions.ts'
import type { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/generated/create-topics.ts'
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../protocol/generated/delete-topics.ts'
import type { DescribeQuorumRequest, DescribeQuorumResponse } from '../protocol/generated/describe-quorum.ts'
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/generated/elect-leaders.ts'
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../protocol/generated/incremental-alter-configs.ts'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../protocol/generated/list-partition-reassignments.ts'
import type { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from '../protocol/generated/remove-raft-voter.ts'
import type { UnregisterBrokerRequest, UnregisterBrokerResponse } from '../protocol/generated/unregister-broker.ts'
import type { UpdateFeaturesRequest, UpdateFeaturesResponse } from '../protocol/generated/update-features.ts'

export interface ControllerContext {
  /** Version of the request that was received: some rules differ by it. */
  readonly apiVersion: number
  /** For whom it is asked, as `/127.0.0.1`; null: the broker asks for itself. */
  readonly clientHost: string | null
  /** What the client calls itself, where it is a client that asks. */
  readonly clientId?: string | null
}

type Answer<Response> = Promise<Init<Response>>

export interface ControllerApi {
  createTopics(request: CreateTopicsRequest, context: ControllerContext): Answer<CreateTopicsResponse>
  deleteTopics(request: DeleteTopicsRequest, context: ControllerContext): Answer<DeleteTopicsResponse>
  createPartitions(request: CreatePartitionsRequest, context: ControllerContext): Answer<CreatePartitionsResponse>
  alterConfigs(request: AlterConfigsRequest, context: ControllerContext): Answer<AlterConfigsResponse>
  incrementalAlterConfigs(
    request: IncrementalAlterConfigsRequest,
    context: ControllerContext,
  ): Answer<IncrementalAlterConfigsResponse>
  alterClientQuotas(request: AlterClientQuotasRequest, context: ControllerContext): Answer<AlterClientQuotasResponse>
  updateFeatures(request: UpdateFeaturesRequest, context: ControllerContext): Answer<UpdateFeaturesResponse>
  registerBroker(request: BrokerRegistrationRequest, context: ControllerContext): Answer<BrokerRegistrationResponse>
  registerController(
    request: ControllerRegistrationRequest,
    context: ControllerContext,
  ): Answer<ControllerRegistrationResponse>
  brokerHeartbeat(request: BrokerHeartbeatRequest, context: ControllerContext): Answer<BrokerHeartbeatResponse>
  unregisterBroker(request: UnregisterBrokerRequest, context: ControllerContext): Answer<UnregisterBrokerResponse>
  allocateProducerIds(
    request: AllocateProducerIdsRequest,
    context: ControllerContext,
  ): Answer<AllocateProducerIdsResponse>
  electLeaders(request: ElectLeadersRequest, context: ControllerContext): Answer<ElectLeadersResponse>
  alterPartitionReassignments(
    request: AlterPartitionReassignmentsRequest,
    context: ControllerContext,
  ): Answer<AlterPartitionReassignmentsResponse>
  listPartitionReassignments(
    request: ListPartitionReassignmentsRequest,
    context: ControllerContext,
  ): Answer<ListPartitionReassignmentsResponse>
  alterPartition(request: AlterPartitionRequest, context: ControllerContext): Answer<AlterPartitionResponse>
  assignReplicasToDirs(
    request: AssignReplicasToDirsRequest,
    context: ControllerContext,
  ): Answer<AssignReplicasToDirsResponse>
  addRaftVoter(request: AddRaftVoterRequest, context: ControllerContext): Answer<AddRaftVoterResponse>
  removeRaftVoter(request: RemoveRaftVoterRequest, context: ControllerContext): Answer<RemoveRaftVoterResponse>
  describeQuorum(request: DescribeQuorumRequest, context: ControllerContext): Answer<DescribeQuorumResponse>
}
