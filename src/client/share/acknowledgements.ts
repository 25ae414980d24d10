/**
 * What is to be told of acquired records: a type for each offset, gathered into the ranges that the protocol takes (KIP-932).
 */
import type { Init } from '../../protocol/codec.ts'
import type { ShareAcknowledgeRequest } from '../../protocol/generated/share-acknowledge.ts'

/**
 * `accept`: done. `release`: somebody shall have it again. `reject`: nobody shall, it can't be processed. `renew`: still at
 * it (KIP-1222).
 */
export type AcknowledgeType = 'accept' | 'release' | 'reject'

export const GAP = 0
export const RENEW = 4
export const TYPE_CODES: Readonly<Record<AcknowledgeType, number>> = { accept: 1, release: 2, reject: 3 }

export type AcknowledgementBatch = Init<ShareAcknowledgeRequest.AcknowledgementBatch>

/** Ranges of offsets with their type, in the order of offsets. */
export class Acknowledgements {
  readonly #types = new Map<number, number>()

  get size(): number {
    return this.#types.size
  }

  set(offset: number, type: number): void {
    this.#types.set(offset, type)
  }

  /** The same offset in `other` counts. */
  merge(other: Acknowledgements): void {
    for (const [offset, type] of other.#types) this.#types.set(offset, type)
  }

  batches(): AcknowledgementBatch[] {
    const batches: { firstOffset: number; lastOffset: number; acknowledgeTypes: number[] }[] = []
    for (const [offset, type] of [...this.#types].toSorted(([one], [other]) => one - other)) {
      const last = batches.at(-1)
      if (last !== undefined && last.lastOffset === offset - 1 && last.acknowledgeTypes[0] === type) {
        last.lastOffset = offset
      } else batches.push({ firstOffset: offset, lastOffset: offset, acknowledgeTypes: [type] })
    }
    return batches
  }
}
