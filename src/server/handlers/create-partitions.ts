/**
 * CreatePartitions v0-3: more partitions for a topic; decided by the controller.
 */
import { CreatePartitions } from '../../protocol/generated/create-partitions.ts'
import { handler } from '../handler.ts'

export const createPartitionsHandler = handler(CreatePartitions, {
  handle: (services, request, { apiVersion }) => services.controller.createPartitions(request, { apiVersion }),
  failed: ({ topics }, error) => ({
    results: topics.map(({ name }) => ({ name, errorCode: error.errno, errorMessage: error.message })),
  }),
})
