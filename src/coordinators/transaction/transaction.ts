/**
 * What the coordinator knows of one transactional id, and the transitions between its states (KIP-98, 360, 890). Values
 * are never changed: each transition makes a new one, which becomes the state when its record is replayed.
 *
 * Epochs end at 32766, so that there is always one left to fence the last producer with; then a new producer id begins
 * at 0. With transactions v2 (KIP-890) each end of a transaction raises the epoch.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Int64 } from '../../base/int64.ts'

/** In the order of their numbers in the log. */
export const TRANSACTION_STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const
export type TransactionStateName = (typeof TRANSACTION_STATES)[number]

/** Partition numbers by topic. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>

export interface Transaction {
  readonly producerId: Int64
  /** Before the last transition; -1: none. */
  readonly prevProducerId: Int64
  /** What the producer gets when this transaction is complete, where its epochs are used up; -1: none. */
  readonly nextProducerId: Int64
  readonly producerEpoch: number
  /** What the producer had before; -1 if nobody may come back with it. Not in the log. */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionStateName
  readonly partitions: TransactionPartitions
  /** Wall clock; -1: none. */
  readonly startMs: number
  readonly updateMs: number
  /** transaction.version that its client works by. */
  readonly clientVersion: number
}

export const NO_PARTITIONS: TransactionPartitions = new Map()
export const NONE = -1
const EPOCH_MAX = 32_767
/** transaction.version from which on each transaction has an epoch of its own. */
export const EPOCH_BUMP_VERSION = 2

export const isExhausted = (epoch: number): boolean => epoch >= EPOCH_MAX - 1

export function newTransaction(producerId: number, timeoutMs: number, nowMs: number): Transaction {
  return {
    producerId,
    prevProducerId: NONE,
    nextProducerId: NONE,
    producerEpoch: NONE,
    lastProducerEpoch: NONE,
    timeoutMs,
    state: 'Empty',
    partitions: NO_PARTITIONS,
    startMs: NONE,
    updateMs: nowMs,
    clientVersion: 0,
  }
}

function transition(before: Transaction, changes: Partial<Transaction>): Transaction {
  return { ...before, prevProducerId: before.producerId, ...changes }
}

/** @throws KafkaError PRODUCER_FENCED if the producer that comes back isn't the last one. */
export function withNextEpoch(
  before: Transaction,
  timeoutMs: number,
  expectedEpoch: number | null,
  nowMs: number,
): Transaction {
  const begun = {
    state: 'Empty',
    timeoutMs,
    partitions: NO_PARTITIONS,
    startMs: NONE,
    updateMs: nowMs,
  } as const
  const { producerEpoch, lastProducerEpoch } = before
  if (isExhausted(producerEpoch)) throw new KafkaError('UNKNOWN_SERVER_ERROR', 'the epochs of the producer are used up')
  if (expectedEpoch === null)
    return transition(before, { ...begun, producerEpoch: producerEpoch + 1, lastProducerEpoch: NONE })
  if (producerEpoch === NONE || expectedEpoch === producerEpoch)
    return transition(before, { ...begun, producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch })
  // It asks again, not having heard the answer.
  if (expectedEpoch === lastProducerEpoch) return transition(before, begun)
  throw new KafkaError('PRODUCER_FENCED', `epoch ${expectedEpoch}, now ${producerEpoch}`)
}

export function withNewProducerId(
  before: Transaction,
  producerId: number,
  timeoutMs: number,
  keepsLastEpoch: boolean,
  nowMs: number,
): Transaction {
  return transition(before, {
    state: 'Empty',
    producerId,
    producerEpoch: 0,
    lastProducerEpoch: keepsLastEpoch ? before.producerEpoch : NONE,
    timeoutMs,
    partitions: NO_PARTITIONS,
    startMs: NONE,
    updateMs: nowMs,
  })
}

export function withPartitions(
  before: Transaction,
  added: TransactionPartitions,
  clientVersion: number,
  nowMs: number,
): Transaction {
  const partitions = new Map(before.partitions)
  for (const [topic, indexes] of added) partitions.set(topic, new Set([...(partitions.get(topic) ?? []), ...indexes]))
  const startMs = before.state === 'Ongoing' ? before.startMs : nowMs
  return transition(before, { state: 'Ongoing', partitions, startMs, updateMs: nowMs, clientVersion })
}

export function includes(partitions: TransactionPartitions, wanted: TransactionPartitions): boolean {
  for (const [topic, indexes] of wanted) {
    const known = partitions.get(topic)
    for (const index of indexes) if (known?.has(index) !== true) return false
  }
  return true
}

export interface EndOptions {
  readonly clientVersion: number
  /** For transactions v2 whose epochs are used up. */
  readonly nextProducerId: Int64
  /** An end without a beginning: transactions v2 may abort what nothing was added to. */
  readonly isEmpty: boolean
  readonly nowMs: number
}

/** The decision; when it is in the log, markers go out. */
export function prepared(before: Transaction, committed: boolean, options: EndOptions): Transaction {
  const { clientVersion, nextProducerId, isEmpty, nowMs } = options
  const { producerEpoch } = before
  const bumps = clientVersion >= EPOCH_BUMP_VERSION
  const epochs = bumps
    ? { producerEpoch: Math.min(producerEpoch + 1, EPOCH_MAX), lastProducerEpoch: producerEpoch }
    : { producerEpoch, lastProducerEpoch: before.lastProducerEpoch }
  return transition(before, {
    ...epochs,
    state: committed ? 'PrepareCommit' : 'PrepareAbort',
    nextProducerId,
    startMs: isEmpty ? nowMs : before.startMs,
    updateMs: nowMs,
    clientVersion,
  })
}

/** The abort of a transaction whose producer is to be locked out, by a time-out or by its successor. */
export function fenced(before: Transaction, serverVersion: number, nextProducerId: Int64, nowMs: number): Transaction {
  if (serverVersion >= EPOCH_BUMP_VERSION)
    return prepared(before, false, { clientVersion: serverVersion, nextProducerId, isEmpty: false, nowMs })
  const bumped = Math.min(before.producerEpoch + 1, EPOCH_MAX)
  const raised = { ...before, producerEpoch: bumped, lastProducerEpoch: NONE }
  return prepared(raised, false, { clientVersion: 0, nextProducerId: NONE, isEmpty: false, nowMs })
}

/** All markers are written. */
export function completed(before: Transaction, nowMs: number): Transaction {
  const rotates = before.clientVersion >= EPOCH_BUMP_VERSION && before.nextProducerId !== NONE
  return transition(before, {
    state: before.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    ...(rotates ? { producerId: before.nextProducerId, producerEpoch: 0 } : {}),
    nextProducerId: NONE,
    partitions: NO_PARTITIONS,
    updateMs: nowMs,
  })
}

export const isPrepared = ({ state }: Transaction): boolean => state === 'PrepareCommit' || state === 'PrepareAbort'
