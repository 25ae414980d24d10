/**
 * The metadata of a broker with a controller in its process: the images that the controller makes of the log, whether it
 * decided what is in them or another one did. The log is fetched, kept and replayed once for both.
 */
import type { Uuid } from '../base/uuid.ts'
import type { MetadataDelta } from '../metadata/delta.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ImageListener } from '../controller/runtime.ts'
import type { LogDirectories } from '../storage/log-directories.ts'
import { awaitOptions, awaitQuorum } from './await-quorum.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import { openController, type ControllerHalf, type ControllerListener } from './controller-half.ts'
import type { NodeLife } from './node-life.ts'
import type { NodeOptions } from './node-options.ts'

export class OwnMetadata implements ClusterMetadata {
  readonly controller: ClusterMetadata['controller']
  readonly #half: ControllerHalf
  /** As the listeners have been told; while there are none, what the broker starts from. */
  #image: MetadataImage
  readonly #listeners: ImageListener[] = []
  /** What changed since, while nobody listens. */
  #held: (readonly [MetadataImage, MetadataDelta])[] = []

  constructor(half: ControllerHalf) {
    this.#half = half
    this.controller = half.active
    this.#image = half.controller.image
    half.controller.onImage((image, delta) => {
      if (this.#listeners.length === 0) this.#held.push([image, delta])
      else this.#tell(image, delta)
    })
  }

  get image(): MetadataImage {
    return this.#image
  }

  kraftVersion(): number {
    return this.#half.quorum.kraftVersion
  }

  onImage(listener: ImageListener): void {
    this.#listeners.push(listener)
    const held = this.#held
    this.#held = []
    for (const [image, delta] of held) this.#tell(image, delta)
  }

  close(): Promise<void> {
    return this.#half.close()
  }

  #tell(image: MetadataImage, delta: MetadataDelta): void {
    this.#image = image
    for (const listener of this.#listeners) listener(image, delta)
  }
}

/** The controller of a node with both roles: opened, and waited for until it leads or has caught up with who does. */
export async function ownMetadata(
  options: NodeOptions,
  life: NodeLife,
  listener: ControllerListener,
  directories: LogDirectories,
  broker: Uuid,
): Promise<OwnMetadata> {
  const half = await openController(options, life, listener, directories, broker)
  const { controller, quorum } = half
  await awaitQuorum(
    life.during(controller.caughtUp),
    awaitOptions(options, quorum, options.config.quorumBootstrapServers),
  )
  return new OwnMetadata(half)
}
