/**
 * `partition.metadata`: the id of the topic that a log belongs to, two lines of text (KIP-516).
 *
 * It is in the directory before the first record is: records whose topic nobody knows would stand in the way of a log of
 * that name in another directory. Once it is there it never changes.
 */
import { OperationalError } from '../base/errors.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import type { Disk } from '../world/world.ts'
import { replaceFile } from './atomic-file.ts'
import { PARTITION_METADATA, type LogPlace } from './segment-files.ts'

export class PartitionMetadataFile {
  readonly #disk: Disk
  readonly #place: LogPlace
  #topicId: Uuid | null
  /** It is on disk, or its write is queued. */
  #isStored: boolean

  /** `names`: of the files in the directory. @throws OperationalError LOG_CORRUPT: malformed, or of another topic. */
  static async open(
    disk: Disk,
    place: LogPlace,
    names: readonly string[],
    topicId: Uuid | null,
  ): Promise<PartitionMetadataFile> {
    const stored = names.includes(PARTITION_METADATA) ? await readTopicId(disk, place) : null
    if (stored !== null && topicId !== null && stored !== topicId) {
      throw new OperationalError(
        'LOG_CORRUPT',
        `${place.directory}: topic id ${stored} in ${PARTITION_METADATA} does not match ${topicId}`,
      )
    }
    return new PartitionMetadataFile(disk, place, stored ?? topicId, stored !== null)
  }

  private constructor(disk: Disk, place: LogPlace, topicId: Uuid | null, isStored: boolean) {
    this.#disk = disk
    this.#place = place
    this.#topicId = topicId
    this.#isStored = isStored
  }

  get topicId(): Uuid | null {
    return this.#topicId
  }

  /** Written before the next record. @throws OperationalError LOG_CORRUPT if another one is stored. */
  set(id: Uuid): void {
    if (this.#topicId === id) return
    if (this.#isStored) {
      throw new OperationalError('LOG_CORRUPT', `${this.#place.directory}: holds topic id ${this.#topicId}, not ${id}`)
    }
    this.#topicId = id
  }

  /** The id, for whoever is going to `store` it; null if there is none or it is done. */
  claim(): Uuid | null {
    if (this.#isStored) return null
    this.#isStored = this.#topicId !== null
    return this.#topicId
  }

  /** With its name. */
  async store(id: Uuid): Promise<void> {
    try {
      await replaceFile(this.#disk, pathIn(this.#place), Buffer.from(`version: 0\ntopic_id: ${id}`))
    } catch (error) {
      this.#isStored = false
      throw error
    }
  }
}

async function readTopicId(disk: Disk, place: LogPlace): Promise<Uuid | null> {
  const path = pathIn(place)
  const bytes = await disk.readFile(path)
  if (bytes === null) return null
  const match = /^version: 0\r?\ntopic_id: (\S+)\s*$/.exec(bytes.toString('utf8'))
  const id = match?.[1] === undefined ? null : parseUuid(match[1])
  if (id === null) throw new OperationalError('LOG_CORRUPT', `${path}: malformed`)
  return id
}

function pathIn(place: LogPlace): string {
  return `${place.directory}/${PARTITION_METADATA}`
}
