/** What handlers of a controller's listener work with. */
import type { Logger } from '../base/logger.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { Quorum } from '../quorum/quorum.ts'
import type { Handler } from './handler.ts'

export interface ControllerServices {
  readonly nodeId: number
  readonly clusterId: string
  readonly logger: Logger
  /** Who asks a controller directly is not bounded. */
  readonly quotas: null
  readonly quorum: Quorum
  readonly controller: ControllerApi
  /** Committed. */
  readonly image: () => MetadataImage
  readonly kraftVersion: () => number
  readonly handlers: readonly Handler<ControllerServices>[]
  readonly supportedFeatures: readonly { readonly name: string; readonly min: number; readonly max: number }[]
  /** A broken invariant: the node stops. */
  fail(error: unknown): void
}
