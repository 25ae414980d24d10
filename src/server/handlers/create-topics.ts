/**
 * CreateTopics v0-7: decided by the controller. v1 can only validate, v4 takes -1 for the defaults, v5 answers the configuration,
 * v7 the topic id.
 */
import { CreateTopics } from '../../protocol/generated/create-topics.ts'
import { handler, type AsksController } from '../handler.ts'

export const createTopicsHandler = handler(CreateTopics, {
  handle: (services: AsksController, request, context) => services.controller.createTopics(request, context),
  failed: ({ topics }, error) => ({
    topics: topics.map(({ name }) => ({ name, errorCode: error.errno, errorMessage: error.message })),
  }),
})
