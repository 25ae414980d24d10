/**
 * CreatePartitions v0-3: more partitions for a topic; decided by the controller.
 */
import { CreatePartitions } from '../../protocol/generated/create-partitions.ts'
import { handler, type AsksController } from '../handler.ts'

export const createPartitionsHandler = handler(CreatePartitions, {
  handle: (services: AsksController, request, context) => services.controller.createPartitions(request, context),
  failed: ({ topics }, error) => ({
    results: topics.map(({ name }) => ({ name, errorCode: error.errno, errorMessage: error.message })),
  }),
})
