/**
 * The controller as this broker's clients see it: an answer leaves when the change that it tells of is in force on this
 * broker too, so that a topic that was just created can be used, and one that was deleted is gone. Heartbeats do not wait:
 * bringing thousands of new partitions into force may take longer than a broker's session.
 */
import type { ControllerApi } from '../controller/controller-api.ts'

export function followedController(controller: ControllerApi, settled: () => Promise<void>): ControllerApi {
  const followed =
    <Request, Context, Answer>(call: (request: Request, context: Context) => Promise<Answer>) =>
    async (request: Request, context: Context): Promise<Answer> => {
      const answer = await call(request, context)
      await settled()
      return answer
    }
  return {
    createTopics: followed(controller.createTopics),
    deleteTopics: followed(controller.deleteTopics),
    createPartitions: followed(controller.createPartitions),
    alterConfigs: followed(controller.alterConfigs),
    incrementalAlterConfigs: followed(controller.incrementalAlterConfigs),
    alterClientQuotas: followed(controller.alterClientQuotas),
    updateFeatures: followed(controller.updateFeatures),
    registerBroker: followed(controller.registerBroker),
    registerController: followed(controller.registerController),
    brokerHeartbeat: controller.brokerHeartbeat,
    unregisterBroker: followed(controller.unregisterBroker),
    allocateProducerIds: controller.allocateProducerIds,
    electLeaders: followed(controller.electLeaders),
    alterPartitionReassignments: followed(controller.alterPartitionReassignments),
    listPartitionReassignments: controller.listPartitionReassignments,
    alterPartition: followed(controller.alterPartition),
    assignReplicasToDirs: followed(controller.assignReplicasToDirs),
    addRaftVoter: controller.addRaftVoter,
    removeRaftVoter: controller.removeRaftVoter,
    describeQuorum: controller.describeQuorum,
  }
}
