/** Everything that a controller serves on its listener: one line per API. ApiVersions is read from here. */
import type { ControllerServices } from '../controller-services.ts'
import type { Handler } from '../handler.ts'
import { apiVersionsHandler } from '../handlers/api-versions.ts'
import { controllerDescribeClusterHandler } from './describe-cluster.ts'
import { beginQuorumEpochHandler, endQuorumEpochHandler, voteHandler } from './elections.ts'
import { envelopeHandler } from './envelope.ts'
import { fetchSnapshotHandler } from './fetch-snapshot.ts'
import { metadataFetchHandler } from './fetch.ts'
import { FORWARDED } from './forwarded.ts'
import {
  allocateProducerIdsHandler,
  alterPartitionHandler,
  assignReplicasToDirsHandler,
  brokerHeartbeatHandler,
  brokerRegistrationHandler,
  controllerRegistrationHandler,
} from './membership.ts'
import { updateRaftVoterHandler } from './voter-changes.ts'

/** In the order of their keys, as Kafka lists them. */
export const CONTROLLER_HANDLERS: readonly Handler<ControllerServices>[] = [
  metadataFetchHandler,
  apiVersionsHandler,
  ...FORWARDED,
  alterPartitionHandler,
  envelopeHandler,
  fetchSnapshotHandler,
  brokerRegistrationHandler,
  brokerHeartbeatHandler,
  controllerRegistrationHandler,
  allocateProducerIdsHandler,
  assignReplicasToDirsHandler,
  controllerDescribeClusterHandler,
  voteHandler,
  beginQuorumEpochHandler,
  endQuorumEpochHandler,
  updateRaftVoterHandler,
].toSorted((one, other) => one.api.key - other.api.key)
