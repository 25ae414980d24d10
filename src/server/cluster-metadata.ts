/**
 * Where a broker has its metadata from, and who decides for it: a controller in this process, active or not, or a quorum of
 * other nodes that it follows.
 */
import type { ControllerApi } from '../controller/controller-api.ts'
import type { ImageListener } from '../controller/runtime.ts'
import type { MetadataImage } from '../metadata/image.ts'

export interface ClusterMetadata {
  /** Committed; until somebody listens, what the broker starts from. */
  readonly image: MetadataImage
  /** The active one, wherever it is. */
  readonly controller: ControllerApi
  /** kraft.version of the metadata log. */
  kraftVersion(): number
  /** Called with each committed image after the one that the broker started from, and what changed in it. */
  onImage(listener: ImageListener): void
  close(): Promise<void>
}
