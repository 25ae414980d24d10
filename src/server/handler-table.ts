/** Everything that a broker serves: one line per API. ApiVersions is read from here. */
import {
  alterClientQuotasHandler,
  alterReassignmentsHandler,
  electLeadersHandler,
  listReassignmentsHandler,
} from './controller-handlers/administration.ts'
import { unregisterBrokerHandler } from './controller-handlers/membership.ts'
import { addRaftVoterHandler, removeRaftVoterHandler } from './controller-handlers/voter-changes.ts'
import type { Handler } from './handler.ts'
import { addOffsetsToTxnHandler } from './handlers/add-offsets-to-txn.ts'
import { addPartitionsToTxnHandler } from './handlers/add-partitions-to-txn.ts'
import { alterConfigsHandler } from './handlers/alter-configs.ts'
import { alterReplicaLogDirsHandler } from './handlers/alter-replica-log-dirs.ts'
import { apiVersionsHandler } from './handlers/api-versions.ts'
import { createPartitionsHandler } from './handlers/create-partitions.ts'
import { createTopicsHandler } from './handlers/create-topics.ts'
import { deleteGroupsHandler } from './handlers/delete-groups.ts'
import { deleteRecordsHandler } from './handlers/delete-records.ts'
import { deleteTopicsHandler } from './handlers/delete-topics.ts'
import { describeClientQuotasHandler } from './handlers/describe-client-quotas.ts'
import { describeClusterHandler } from './handlers/describe-cluster.ts'
import { describeConfigsHandler } from './handlers/describe-configs.ts'
import { describeGroupsHandler } from './handlers/describe-groups.ts'
import { describeLogDirsHandler } from './handlers/describe-log-dirs.ts'
import { describeProducersHandler } from './handlers/describe-producers.ts'
import { describeQuorumHandler } from './handlers/describe-quorum.ts'
import { describeTopicPartitionsHandler } from './handlers/describe-topic-partitions.ts'
import { describeTransactionsHandler } from './handlers/describe-transactions.ts'
import { endTxnHandler } from './handlers/end-txn.ts'
import { fetchHandler } from './handlers/fetch.ts'
import { findCoordinatorHandler } from './handlers/find-coordinator.ts'
import { heartbeatHandler } from './handlers/heartbeat.ts'
import { incrementalAlterConfigsHandler } from './handlers/incremental-alter-configs.ts'
import { initProducerIdHandler } from './handlers/init-producer-id.ts'
import { joinGroupHandler } from './handlers/join-group.ts'
import { leaveGroupHandler } from './handlers/leave-group.ts'
import { listConfigResourcesHandler } from './handlers/list-config-resources.ts'
import { listGroupsHandler } from './handlers/list-groups.ts'
import { listOffsetsHandler } from './handlers/list-offsets.ts'
import { listTransactionsHandler } from './handlers/list-transactions.ts'
import { metadataHandler } from './handlers/metadata.ts'
import { offsetCommitHandler } from './handlers/offset-commit.ts'
import { offsetDeleteHandler } from './handlers/offset-delete.ts'
import { offsetFetchHandler } from './handlers/offset-fetch.ts'
import { offsetForLeaderEpochHandler } from './handlers/offset-for-leader-epoch.ts'
import { produceHandler } from './handlers/produce.ts'
import { syncGroupHandler } from './handlers/sync-group.ts'
import { txnOffsetCommitHandler } from './handlers/txn-offset-commit.ts'
import { updateFeaturesHandler } from './handlers/update-features.ts'
import { writeTxnMarkersHandler } from './handlers/write-txn-markers.ts'

/** In the order of their keys, as Kafka lists them. */
export const HANDLERS: readonly Handler[] = [
  produceHandler,
  fetchHandler,
  listOffsetsHandler,
  metadataHandler,
  offsetCommitHandler,
  offsetFetchHandler,
  findCoordinatorHandler,
  joinGroupHandler,
  heartbeatHandler,
  leaveGroupHandler,
  syncGroupHandler,
  describeGroupsHandler,
  listGroupsHandler,
  apiVersionsHandler,
  createTopicsHandler,
  deleteTopicsHandler,
  deleteRecordsHandler,
  initProducerIdHandler,
  offsetForLeaderEpochHandler,
  addPartitionsToTxnHandler,
  addOffsetsToTxnHandler,
  endTxnHandler,
  writeTxnMarkersHandler,
  txnOffsetCommitHandler,
  describeConfigsHandler,
  alterConfigsHandler,
  alterReplicaLogDirsHandler,
  describeLogDirsHandler,
  createPartitionsHandler,
  deleteGroupsHandler,
  electLeadersHandler,
  incrementalAlterConfigsHandler,
  alterReassignmentsHandler,
  listReassignmentsHandler,
  offsetDeleteHandler,
  describeClientQuotasHandler,
  alterClientQuotasHandler,
  describeQuorumHandler,
  updateFeaturesHandler,
  describeClusterHandler,
  describeProducersHandler,
  unregisterBrokerHandler,
  describeTransactionsHandler,
  listTransactionsHandler,
  listConfigResourcesHandler,
  describeTopicPartitionsHandler,
  addRaftVoterHandler,
  removeRaftVoterHandler,
]
