/**
 * Where in its file the batch at an offset begins, for the offsets at which readers of one log are going to go on: it saves a
 * sequential reader the index lookup and the scan.
 *
 * Positions are those of one segment in one state of the files: truncations and deletions are counted, and what was
 * remembered before one is forgotten.
 */
import type { Segment } from './segment.ts'

const POSITIONS_MAX = 64

export class ReadPositions {
  readonly #positions = new Map<number, { readonly segment: Segment; readonly position: number }>()
  #cuts = 0

  /** Null: not known for this segment. A reader goes on from there, so it is forgotten. */
  take(segment: Segment, offset: number, cuts: number): number | null {
    this.#asOf(cuts)
    const known = this.#positions.get(offset)
    if (known === undefined) return null
    this.#positions.delete(offset)
    return known.segment === segment ? known.position : null
  }

  remember(segment: Segment, offset: number, position: number, cuts: number): void {
    this.#asOf(cuts)
    if (this.#positions.size >= POSITIONS_MAX) {
      for (const oldest of this.#positions.keys()) {
        this.#positions.delete(oldest)
        break
      }
    }
    this.#positions.set(offset, { segment, position })
  }

  #asOf(cuts: number): void {
    if (cuts === this.#cuts) return
    this.#positions.clear()
    this.#cuts = cuts
  }
}
