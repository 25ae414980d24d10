/** What brokers, and controllers that stand by, ask of the active controller for themselves; each is decided there. */
import { AllocateProducerIds } from '../../protocol/generated/allocate-producer-ids.ts'
import { AlterPartition } from '../../protocol/generated/alter-partition.ts'
import { AssignReplicasToDirs } from '../../protocol/generated/assign-replicas-to-dirs.ts'
import { BrokerHeartbeat } from '../../protocol/generated/broker-heartbeat.ts'
import { BrokerRegistration } from '../../protocol/generated/broker-registration.ts'
import { ControllerRegistration } from '../../protocol/generated/controller-registration.ts'
import { UnregisterBroker } from '../../protocol/generated/unregister-broker.ts'
import type { KafkaError } from '../../base/errors.ts'
import { handler, type AsksController } from '../handler.ts'

const failed = (_request: unknown, error: KafkaError): { errorCode: number } => ({ errorCode: error.errno })

export const brokerRegistrationHandler = handler(BrokerRegistration, {
  handle: ({ controller }: AsksController, request, context) => controller.registerBroker(request, context),
  failed,
})
export const controllerRegistrationHandler = handler(ControllerRegistration, {
  handle: ({ controller }: AsksController, request, context) => controller.registerController(request, context),
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message }),
})
export const brokerHeartbeatHandler = handler(BrokerHeartbeat, {
  handle: ({ controller }: AsksController, request, context) => controller.brokerHeartbeat(request, context),
  failed,
})
export const unregisterBrokerHandler = handler(UnregisterBroker, {
  handle: ({ controller }: AsksController, request, context) => controller.unregisterBroker(request, context),
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message }),
})
export const allocateProducerIdsHandler = handler(AllocateProducerIds, {
  handle: ({ controller }: AsksController, request, context) => controller.allocateProducerIds(request, context),
  failed,
})
export const alterPartitionHandler = handler(AlterPartition, {
  handle: ({ controller }: AsksController, request, context) => controller.alterPartition(request, context),
  failed,
})
export const assignReplicasToDirsHandler = handler(AssignReplicasToDirs, {
  handle: ({ controller }: AsksController, request, context) => controller.assignReplicasToDirs(request, context),
  failed,
})
