/** What clients ask of the active controller, directly or through a broker's Envelope, and no broker adds to. */
import { AlterClientQuotas } from '../../protocol/generated/alter-client-quotas.ts'
import { AlterConfigs } from '../../protocol/generated/alter-configs.ts'
import { AlterPartitionReassignments } from '../../protocol/generated/alter-partition-reassignments.ts'
import { ElectLeaders } from '../../protocol/generated/elect-leaders.ts'
import { IncrementalAlterConfigs } from '../../protocol/generated/incremental-alter-configs.ts'
import { ListPartitionReassignments } from '../../protocol/generated/list-partition-reassignments.ts'
import { allFailed } from '../broker-config-changes.ts'
import { handler, type AsksController } from '../handler.ts'

export const electLeadersHandler = handler(ElectLeaders, {
  handle: ({ controller }: AsksController, request, context) => controller.electLeaders(request, context),
  failed: ({ topicPartitions }, { errno: errorCode, message: errorMessage }) => ({
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
    })),
  }),
})
export const alterClientQuotasHandler = handler(AlterClientQuotas, {
  handle: ({ controller }: AsksController, request, context) => controller.alterClientQuotas(request, context),
  failed: ({ entries }, { errno: errorCode, message: errorMessage }) => ({
    entries: entries.map(({ entity }) => ({ errorCode, errorMessage, entity })),
  }),
})
export const controllerAlterConfigsHandler = handler(AlterConfigs, {
  handle: ({ controller }: AsksController, request, context) => controller.alterConfigs(request, context),
  failed: ({ resources }, error) => allFailed(resources, error),
})
export const controllerIncrementalAlterConfigsHandler = handler(IncrementalAlterConfigs, {
  handle: ({ controller }: AsksController, request, context) => controller.incrementalAlterConfigs(request, context),
  failed: ({ resources }, error) => allFailed(resources, error),
})
export const alterReassignmentsHandler = handler(AlterPartitionReassignments, {
  handle: ({ controller }: AsksController, request, context) =>
    controller.alterPartitionReassignments(request, context),
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message }),
})
export const listReassignmentsHandler = handler(ListPartitionReassignments, {
  handle: ({ controller }: AsksController, request, context) => controller.listPartitionReassignments(request, context),
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message }),
})
