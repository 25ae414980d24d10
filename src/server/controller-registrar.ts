/**
 * Registers this controller with the active one (KIP-919), until the metadata says that it is: each committed change is a reason to
 * look again. The active one asks itself: where the metadata.version is raised to a level that knows registrations nobody is
 * registered yet.
 */
import { errorName } from '../base/error-codes.ts'
import type { Logger } from '../base/logger.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import type { ControllerRegistration } from '../controller/activation.ts'
import { controllerRegistrationSupported, featureRanges } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { ControllerRegistrationRequest } from '../protocol/generated/controller-registration.ts'

export interface ControllerRegistrarOptions {
  readonly nodeId: number
  readonly logger: Logger
  readonly registration: ControllerRegistration
  readonly active: Pick<ControllerApi, 'registerController'>
}

export class ControllerRegistrar {
  readonly #options: ControllerRegistrarOptions
  #isAsking = false

  constructor(options: ControllerRegistrarOptions) {
    this.#options = options
  }

  look({ cluster, features }: MetadataImage): void {
    const { nodeId, registration } = this.#options
    if (this.#isAsking || !controllerRegistrationSupported(features.metadataVersion)) return
    if (cluster.controllers.get(nodeId)?.incarnationId === registration.incarnationId) return
    this.#isAsking = true
    void this.#ask().finally(() => {
      this.#isAsking = false
    })
  }

  async #ask(): Promise<void> {
    const { nodeId, logger, registration, active } = this.#options
    const request = ControllerRegistrationRequest.make({
      controllerId: nodeId,
      incarnationId: registration.incarnationId,
      listeners: registration.listeners,
      features: featureRanges(),
    })
    try {
      const { errorCode = 0 } = await active.registerController(request, { apiVersion: 0, clientHost: null })
      if (errorCode !== 0) logger.warn(`The active controller refused the registration: ${errorName(errorCode)}`)
    } catch (error) {
      logger.info(`The active controller could not be asked for a registration: ${String(error)}`)
    }
  }
}
