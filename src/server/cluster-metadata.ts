/**
 * Where a broker has its metadata from, and who decides for it: the controller in this process, or a quorum of other nodes
 * that it follows.
 */
import type { ControllerApi } from '../controller/controller-api.ts'
import type { ImageListener } from '../controller/runtime.ts'
import type { MetadataImage } from '../metadata/image.ts'

export interface ClusterMetadata {
  /** Committed. */
  readonly image: MetadataImage
  readonly controller: ControllerApi
  /** kraft.version of the metadata log. */
  kraftVersion(): number
  /** Called with each later committed image, and what changed in it. */
  onImage(listener: ImageListener): void
  /** The metadata can't be followed any more. Called at most once. */
  onFailed(listener: (error: Error) => void): void
  close(): Promise<void>
}
