/** Turns what a metadata directory holds into the image that a node starts with. */
import { METADATA_VERSION_LATEST, METADATA_VERSION_LOWEST, metadataVersionName } from '../metadata/features.ts'
import { EMPTY_IMAGE, type MetadataImage, type Provenance } from '../metadata/image.ts'
import { LogReplay } from '../metadata/log-replay.ts'
import { OperationalError } from '../base/errors.ts'
import { isControl } from '../records/batch.ts'
import type { LogContent } from './metadata-log.ts'

export class ImageLoader implements LogContent {
  #replay = new LogReplay(EMPTY_IMAGE)
  #isEmpty = true

  /** No metadata record was seen: the cluster is new. */
  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** The log ends inside a metadata transaction, whose records are not in the image. */
  get inTransaction(): boolean {
    return this.#replay.inTransaction
  }

  snapshot(content: { readonly batches: readonly Buffer[] }, provenance: Provenance): void {
    const replay = new LogReplay(EMPTY_IMAGE)
    for (const batch of content.batches) replay.replayBatch(batch, 0)
    if (content.batches.length > 0) this.#isEmpty = false
    this.#replay = new LogReplay({ ...replay.take().image, provenance })
  }

  batch(bytes: Buffer, at: number): void {
    if (!isControl(bytes, at)) this.#isEmpty = false
    this.#replay.replayBatch(bytes, at)
  }

  /** @throws OperationalError NOT_SUPPORTED for a metadata.version that this release doesn't know. */
  image(): MetadataImage {
    const { image } = this.#replay.take()
    const level = image.features.metadataVersion
    if (metadataVersionName(level) === null) {
      throw new OperationalError(
        'NOT_SUPPORTED',
        `The cluster is at metadata.version ${level}; this release knows ${METADATA_VERSION_LOWEST} to ${METADATA_VERSION_LATEST}.`,
      )
    }
    return image
  }
}
