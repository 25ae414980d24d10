/**
 * UpdateFeatures v0-2 (KIP-584): finalises feature levels; decided by the controller.
 */
import { UpdateFeatures } from '../../protocol/generated/update-features.ts'
import { handler, type AsksController } from '../handler.ts'

export const updateFeaturesHandler = handler(UpdateFeatures, {
  handle: (services: AsksController, request, context) => services.controller.updateFeatures(request, context),
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message }),
})
