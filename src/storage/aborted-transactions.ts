/**
 * Which aborted transactions a read_committed reader of one log must leave out: what the transaction indexes of the segments
 * from its offset on say.
 */
import { KafkaError } from '../base/errors.ts'
import type { LogReader } from './log-reader.ts'
import type { LogState } from './log-state.ts'
import type { AbortedTransaction } from './log-surface.ts'
import type { TransactionIndexEntry } from './transaction-index.ts'

/**
 * Those that have records in [fromOffset, upperOffset), and perhaps some more. At once if no file has to be read.
 * @throws KafkaError OFFSET_OUT_OF_RANGE if the range was deleted meanwhile: what was read of it must not be used.
 */
export function abortedTransactions(
  state: LogState,
  reader: LogReader,
  name: string,
  fromOffset: number,
  upperOffset: number,
): AbortedTransaction[] | Promise<AbortedTransaction[]> {
  const unlessDeleted = (found: AbortedTransaction[]): AbortedTransaction[] => {
    // With a segment its transaction index goes.
    const { start } = state.offsets
    if (fromOffset >= start) return found
    throw new KafkaError('OFFSET_OUT_OF_RANGE', `${name} begins at ${start} now`)
  }
  const known = findInMemory(state, fromOffset, upperOffset)
  if (known !== null) return unlessDeleted(known)
  return reader.guard(() => find(state, fromOffset, upperOffset)).then(unlessDeleted)
}

async function find({ segments }: LogState, fromOffset: number, upperOffset: number): Promise<AbortedTransaction[]> {
  const found: AbortedTransaction[] = []
  for (const segment of segments.from(fromOffset)) {
    if (collectAborted(await segment.transactionIndex.entries(), fromOffset, upperOffset, found)) break
  }
  return found
}

/** The same, as long as no index has to be read: else null. */
function findInMemory({ segments }: LogState, fromOffset: number, upperOffset: number): AbortedTransaction[] | null {
  const found: AbortedTransaction[] = []
  for (const segment of segments.from(fromOffset)) {
    const entries = segment.transactionIndex.known
    if (entries === null) return null
    if (collectAborted(entries, fromOffset, upperOffset, found)) break
  }
  return found
}

/** True: what comes behind is not of this range. */
function collectAborted(
  entries: readonly TransactionIndexEntry[],
  fromOffset: number,
  upperOffset: number,
  into: AbortedTransaction[],
): boolean {
  for (const { producerId, firstOffset, lastOffset, lastStableOffset } of entries) {
    if (lastOffset >= fromOffset && firstOffset < upperOffset) into.push({ producerId, firstOffset })
    if (lastStableOffset >= upperOffset) return true
  }
  return false
}
