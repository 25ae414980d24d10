/**
 * The metadata of a cluster whose controller is elsewhere: replays what the quorum commits into images, one after the
 * other. A snapshot from the leader is a change like any other: what differs.
 */
import { OperationalError } from '../base/errors.ts'
import type { LogContent } from '../controller/metadata-log.ts'
import type { MetadataDelta } from '../metadata/delta.ts'
import { METADATA_VERSION_LATEST, METADATA_VERSION_LOWEST, metadataVersionName } from '../metadata/features.ts'
import { imageDifference } from '../metadata/image-difference.ts'
import { EMPTY_IMAGE, type MetadataImage, type Provenance } from '../metadata/image.ts'
import { LogReplay } from '../metadata/log-replay.ts'

export class ImageFollower implements LogContent {
  #image: MetadataImage = EMPTY_IMAGE
  #replay = new LogReplay(EMPTY_IMAGE)
  /** A snapshot took the place of what was replayed. */
  #hasJumped = false

  /** As of the last `take`. */
  get image(): MetadataImage {
    return this.#image
  }

  snapshot(content: { readonly batches: readonly Buffer[] }, provenance: Provenance): void {
    const replay = new LogReplay(EMPTY_IMAGE)
    for (const batch of content.batches) replay.replayBatch(batch, 0)
    this.#replay = new LogReplay({ ...replay.take().image, provenance })
    this.#hasJumped = true
  }

  batch(bytes: Buffer, at: number): void {
    this.#replay.replayBatch(bytes, at)
  }

  /**
   * The image of all that was handed over, and what changed since the last call.
   * @throws OperationalError NOT_SUPPORTED for a metadata.version that this release doesn't know.
   */
  take(): { readonly image: MetadataImage; readonly delta: MetadataDelta } {
    const { image, delta } = this.#replay.take()
    const level = image.features.metadataVersion
    if (metadataVersionName(level) === null) {
      throw new OperationalError(
        'NOT_SUPPORTED',
        `The cluster is at metadata.version ${level}; this release knows ${METADATA_VERSION_LOWEST} to ${METADATA_VERSION_LATEST}.`,
      )
    }
    const before = this.#image
    this.#image = image
    const taken = { image, delta: this.#hasJumped ? imageDifference(before, image) : delta }
    this.#hasJumped = false
    return taken
  }
}
