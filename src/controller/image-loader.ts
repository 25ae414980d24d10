/**
 * Turns what the metadata log holds into images: the one that a node starts with and, on a standby and on a broker, one after each commit. A
 * snapshot from the leader is a change like any other: what differs.
 */
import { METADATA_VERSION_LATEST, METADATA_VERSION_LOWEST, metadataVersionName } from '../metadata/features.ts'
import type { MetadataDelta } from '../metadata/delta.ts'
import { imageDifference } from '../metadata/image-difference.ts'
import { EMPTY_IMAGE, type MetadataImage, type Provenance } from '../metadata/image.ts'
import { LogReplay } from '../metadata/log-replay.ts'
import { OperationalError } from '../base/errors.ts'
import type { LogContent } from './metadata-log.ts'

export class ImageLoader implements LogContent {
  #image: MetadataImage = EMPTY_IMAGE
  #replay = new LogReplay(EMPTY_IMAGE)
  /** As of where the replay begins. */
  #isEmpty = true
  /** A snapshot took the place of what was replayed. */
  #hasJumped = false

  /** No metadata record is in force, though some may lie in a transaction that did not end: the cluster is new. */
  get isEmpty(): boolean {
    return this.#isEmpty && !this.#replay.hasReplayed
  }

  /** The log ends inside a metadata transaction, whose records are not in the image. */
  get inTransaction(): boolean {
    return this.#replay.inTransaction
  }

  snapshot(content: { readonly batches: readonly Buffer[] }, provenance: Provenance): void {
    const replay = new LogReplay(EMPTY_IMAGE)
    for (const batch of content.batches) replay.replayBatch(batch, 0)
    this.#isEmpty = this.isEmpty && content.batches.length === 0
    this.#replay = new LogReplay({ ...replay.take().image, provenance })
    this.#hasJumped = true
  }

  batch(bytes: Buffer, at: number): void {
    this.#replay.replayBatch(bytes, at)
  }

  /** As of the last `take`. */
  get image(): MetadataImage {
    return this.#image
  }

  /**
   * Goes on from what an active controller made of the log. Before all else it writes what an empty log begins with, and the end of
   * a transaction that was left open: while nothing of its own is committed, the image is the one it took over with, neither is known
   * to be in the log, and whoever leads next has still to write it.
   */
  restart(image: MetadataImage): void {
    if (image === this.#image) return
    this.#image = image
    this.#replay = new LogReplay(image)
    this.#hasJumped = false
    this.#isEmpty = false
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
