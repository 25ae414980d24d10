/**
 * DeleteTopics v0-6: decided by the controller; v6 takes ids too.
 */
import { DeleteTopics } from '../../protocol/generated/delete-topics.ts'
import { handler, type AsksController } from '../handler.ts'

export const deleteTopicsHandler = handler(DeleteTopics, {
  handle: (services: AsksController, request, context) => services.controller.deleteTopics(request, context),
  failed: ({ topics, topicNames }, error, version) => ({
    responses: (version >= 6 ? topics : topicNames.map((name) => ({ name }))).map((topic) => ({
      ...topic,
      errorCode: error.errno,
      errorMessage: error.message,
    })),
  }),
})
