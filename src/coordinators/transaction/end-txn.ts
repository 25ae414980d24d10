/**
 * EndTxn: the transaction is decided when the record is in the log; the client goes on from there, markers follow.
 *
 * Up to v4 the epoch stays, so that a repeated request is known by the state alone. From v5 on (transactions v2) the epoch is raised
 * by each end: a repeated request comes with the epoch before, or with the id that was replaced, and gets what it missed.
 * An abort may then find nothing to abort, and raises the epoch nevertheless.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Int64 } from '../../base/int64.ts'
import type { Reply } from '../runtime/reply.ts'
import {
  decided,
  decision,
  existing,
  NEEDS_PRODUCER_ID,
  stillEnding,
  type ProducerOfRequest,
  type TransactionDecision,
  type TransactionEnvironment,
  type TransactionState,
} from './requests.ts'
import { EPOCH_BUMP_VERSION, isExhausted, isPrepared, NONE, prepared, type Transaction } from './transaction.ts'

export interface TransactionEnd extends ProducerOfRequest {
  readonly committed: boolean
  readonly clientVersion: number
  readonly freshId: number | null
  readonly nowMs: number
}

export type EndOutcome = { readonly producerId: Int64; readonly producerEpoch: number } | typeof NEEDS_PRODUCER_ID

/** What a request finds: done before, or to be done, with or without partitions, or nothing that it could end. */
type Found = 'done' | 'ends' | 'empty' | 'invalid'

/** The last epoch that a client gets to see. */
const LAST_EPOCH = 32_766

export function endTxn<Response>(
  state: TransactionState,
  end: TransactionEnd,
  reply: Reply<Response>,
  respond: (outcome: EndOutcome) => Response,
  environment: TransactionEnvironment,
): TransactionDecision {
  const { transactionalId, committed, clientVersion, freshId, nowMs } = end
  const before = existing(state, transactionalId)
  const bumps = clientVersion >= EPOCH_BUMP_VERSION
  const found = bumps ? findBumped(before, end) : findPlain(before, end)
  if (found === 'invalid') {
    const wanted = committed ? 'a commit' : 'an abort'
    // The producer is lost by it, and its error doesn't tell why.
    environment.logger.info(
      `The transaction of ${transactionalId} is in state ${before.state}, which ${wanted} by ${end.producerId}:${end.producerEpoch} doesn't end`,
    )
    throw new KafkaError('INVALID_TXN_STATE', `the transaction is in state ${before.state}`)
  }
  const { producerId, producerEpoch } = before
  if (found === 'done') return decision().answer(reply, respond({ producerId, producerEpoch }))
  const rotates = bumps && isExhausted(producerEpoch)
  if (rotates && freshId === null) return decision().answer(reply, respond(NEEDS_PRODUCER_ID))
  const value = prepared(before, committed, {
    clientVersion: bumps ? clientVersion : 0,
    nextProducerId: rotates ? (freshId ?? NONE) : NONE,
    isEmpty: found === 'empty',
    nowMs,
  })
  const next =
    rotates && freshId !== null
      ? { producerId: freshId, producerEpoch: 0 }
      : { producerId: value.producerId, producerEpoch: value.producerEpoch }
  return decided(state, transactionalId, value, environment).answer(reply, respond(next))
}

/** @throws KafkaError */
function findPlain(before: Transaction, { producerId, producerEpoch, committed }: TransactionEnd): Found {
  if (before.producerId !== producerId) throw otherProducer(before, producerId)
  if (before.producerEpoch !== producerEpoch) throw otherEpoch(before, producerEpoch)
  if (before.state === 'Ongoing') return 'ends'
  if (before.state === (committed ? 'CompleteCommit' : 'CompleteAbort')) return 'done'
  if (isPrepared(before)) throw stillEnding()
  return 'invalid'
}

/** @throws KafkaError */
function findBumped(before: Transaction, { producerId, producerEpoch, committed }: TransactionEnd): Found {
  // First of all: the next request of the producer may be here before all markers of the last transaction are written.
  if (isPrepared(before)) throw stillEnding()
  const isOfReplacedId =
    before.prevProducerId === producerId && producerEpoch === LAST_EPOCH && before.producerEpoch === 0
  const isOfEpochBefore = before.producerEpoch === producerEpoch + 1
  if (before.producerId !== producerId && !isOfReplacedId) throw otherProducer(before, producerId)
  const isCurrent = before.producerEpoch === producerEpoch
  const isComplete = before.state === 'CompleteCommit' || before.state === 'CompleteAbort'
  const isValid = isCurrent || (isComplete && (isOfEpochBefore || isOfReplacedId))
  if (!isValid) throw otherEpoch(before, producerEpoch)
  const isRetry = isOfEpochBefore || isOfReplacedId
  switch (before.state) {
    case 'Ongoing':
      return 'ends'
    case 'Empty':
      if (!committed) return 'empty'
      break
    case 'CompleteCommit':
      if (committed && isRetry) return 'done'
      if (!committed && !isRetry) return 'empty'
      break
    case 'CompleteAbort':
      if (!committed) return isRetry ? 'done' : 'empty'
      break
    default:
  }
  return 'invalid'
}

function otherProducer(before: Transaction, producerId: Int64): KafkaError {
  return new KafkaError('INVALID_PRODUCER_ID_MAPPING', `producer id ${producerId}, now ${before.producerId}`)
}

function otherEpoch(before: Transaction, epoch: number): KafkaError {
  return new KafkaError('PRODUCER_FENCED', `epoch ${epoch}, now ${before.producerEpoch}`)
}
