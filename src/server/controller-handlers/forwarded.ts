/** What a broker may pass on in an Envelope, and a controller answers on its own listener too. */
import type { ControllerServices } from '../controller-services.ts'
import type { Handler } from '../handler.ts'
import { createPartitionsHandler } from '../handlers/create-partitions.ts'
import { createTopicsHandler } from '../handlers/create-topics.ts'
import { deleteTopicsHandler } from '../handlers/delete-topics.ts'
import { describeQuorumHandler } from '../handlers/describe-quorum.ts'
import { updateFeaturesHandler } from '../handlers/update-features.ts'
import {
  alterClientQuotasHandler,
  alterReassignmentsHandler,
  controllerAlterConfigsHandler,
  controllerIncrementalAlterConfigsHandler,
  electLeadersHandler,
  listReassignmentsHandler,
} from './administration.ts'
import { unregisterBrokerHandler } from './membership.ts'
import { addRaftVoterHandler, removeRaftVoterHandler } from './voter-changes.ts'

export const FORWARDED: readonly Handler<ControllerServices>[] = [
  createTopicsHandler,
  deleteTopicsHandler,
  controllerAlterConfigsHandler,
  createPartitionsHandler,
  electLeadersHandler,
  controllerIncrementalAlterConfigsHandler,
  alterReassignmentsHandler,
  listReassignmentsHandler,
  alterClientQuotasHandler,
  describeQuorumHandler,
  updateFeaturesHandler,
  unregisterBrokerHandler,
  addRaftVoterHandler,
  removeRaftVoterHandler,
]
