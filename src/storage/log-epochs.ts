/**
 * The leader epochs of one log as replicas use them: where a new leader's begins, where an earlier one ended (KIP-101).
 */
import { together } from './bounded.ts'
import type { LogGate } from './log-gate.ts'
import type { LogState } from './log-state.ts'
import type { EpochEnd } from './log-surface.ts'
import type { PartitionMetadataFile } from './partition-metadata-file.ts'

export class LogEpochs {
  readonly #state: LogState
  readonly #gate: LogGate
  readonly #metadata: PartitionMetadataFile

  constructor(state: LogState, gate: LogGate, metadata: PartitionMetadataFile) {
    this.#state = state
    this.#gate = gate
    this.#metadata = metadata
  }

  /**
   * A new leader's epoch begins at assignedEnd. In the file when it resolves, and in any case before the next record is: a node
   * that leads ten thousand partitions at once writes their files in turn, and who is written to doesn't wait for that.
   */
  async assign(epoch: number): Promise<void> {
    const { epochs, epochFile, offsets, world } = this.#state
    if (!epochs.assign(epoch, offsets.assignedEnd)) return
    epochFile.fallBehind()
    await world.place.openFiles.brief.take(() => this.#save())
  }

  async #save(): Promise<void> {
    const { epochFile } = this.#state
    if (!epochFile.isBehind || this.#gate.isClosed || this.#gate.hasFailed) return
    const id = this.#metadata.claim()
    await this.#gate.inOrder(() =>
      together(
        async () => (epochFile.isBehind ? epochFile.write() : undefined),
        async () => (id === null ? undefined : this.#metadata.store(id)),
      ),
    )
  }

  endOffsetFor(epoch: number): EpochEnd {
    return this.#state.epochs.endOffsetFor(epoch, this.#state.offsets.writtenEnd)
  }

  /** Epoch of the log start, for ListOffsets EARLIEST; -1 if unknown. */
  startEpoch(): number {
    const first = this.#state.epochs.entries[0]
    return first !== undefined && first.startOffset <= this.#state.offsets.start ? first.epoch : -1
  }
}
