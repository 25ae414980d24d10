/**
 * InitProducerId for a transactional id (KIP-98, 360): each call raises the epoch and locks out who had it before. An open
 * transaction is aborted first, and the caller comes again. A producer that comes back with its id and epoch goes on
 * only if nobody came in between.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Int64 } from '../../base/int64.ts'
import type { Reply } from '../runtime/reply.ts'
import {
  decided,
  decision,
  NEEDS_PRODUCER_ID,
  stillEnding,
  type TransactionDecision,
  type TransactionEnvironment,
  type TransactionState,
} from './requests.ts'
import {
  EPOCH_BUMP_VERSION,
  fenced,
  isExhausted,
  isPrepared,
  newTransaction,
  NONE,
  withNewProducerId,
  withNextEpoch,
  type Transaction,
} from './transaction.ts'

export interface InitProducer {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** What a producer that comes back had. */
  readonly expected: { readonly producerId: Int64; readonly producerEpoch: number } | null
  /** A fresh producer id, if there is one at hand. */
  readonly freshId: number | null
  readonly nowMs: number
}

export type InitOutcome =
  | { readonly producerId: Int64; readonly producerEpoch: number }
  | typeof NEEDS_PRODUCER_ID
  | 'CONCURRENT_TRANSACTIONS'

export function initProducerId<Response>(
  state: TransactionState,
  init: InitProducer,
  reply: Reply<Response>,
  respond: (outcome: InitOutcome) => Response,
  environment: TransactionEnvironment,
): TransactionDecision {
  const { transactionalId, timeoutMs, expected, freshId, nowMs } = init
  const known = state.transactions.get(transactionalId)
  const needsId = (): TransactionDecision => decision().answer(reply, respond(NEEDS_PRODUCER_ID))
  if (known === null && freshId === null) return needsId()
  const before = known ?? newTransaction(freshId ?? NONE, timeoutMs, nowMs)
  if (isPrepared(before)) throw stillEnding()
  if (expected !== null && !mayComeBack(before, expected))
    throw new KafkaError('PRODUCER_FENCED', `producer id ${expected.producerId}, now ${before.producerId}`)
  if (before.state === 'Ongoing') {
    const serverVersion = environment.serverVersion()
    const rotates = serverVersion >= EPOCH_BUMP_VERSION && isExhausted(before.producerEpoch)
    if (rotates && freshId === null) return needsId()
    const value = fenced(before, serverVersion, rotates ? (freshId ?? NONE) : NONE, nowMs)
    return decided(state, transactionalId, value, environment).answer(reply, respond('CONCURRENT_TRANSACTIONS'))
  }
  const rotates =
    isExhausted(before.producerEpoch) && (expected === null || expected.producerEpoch === before.producerEpoch)
  if (rotates && freshId === null) return needsId()
  const value = rotates
    ? withNewProducerId(before, freshId ?? NONE, timeoutMs, expected !== null, nowMs)
    : withNextEpoch(before, timeoutMs, expected?.producerEpoch ?? null, nowMs)
  environment.logger.debug(
    `Transactional id ${transactionalId} has producer ${value.producerId}:${value.producerEpoch}`,
  )
  const { producerId, producerEpoch } = value
  return decided(state, transactionalId, value, environment).answer(reply, respond({ producerId, producerEpoch }))
}

function mayComeBack(before: Transaction, expected: NonNullable<InitProducer['expected']>): boolean {
  if (before.producerEpoch === NONE || expected.producerId === before.producerId) return true
  // Its id was replaced, and it didn't hear of that.
  return expected.producerId === before.prevProducerId && isExhausted(expected.producerEpoch)
}
