/** AddPartitionsToTxn and AddOffsetsToTxn: partitions become part of the transaction, which begins with the first ones. */
import { KafkaError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/error-codes.ts'
import type { Reply } from '../runtime/reply.ts'
import {
  decided,
  decision,
  existing,
  stillEnding,
  type ProducerOfRequest,
  type TransactionDecision,
  type TransactionEnvironment,
  type TransactionState,
} from './requests.ts'
import { includes, isPrepared, withPartitions, type Transaction, type TransactionPartitions } from './transaction.ts'

export interface PartitionsToAdd extends ProducerOfRequest {
  readonly partitions: TransactionPartitions
  readonly clientVersion: number
  readonly nowMs: number
}

export function addPartitions(
  state: TransactionState,
  add: PartitionsToAdd,
  reply: Reply<ErrorCode>,
  environment: TransactionEnvironment,
): TransactionDecision {
  const { transactionalId, partitions, clientVersion, nowMs } = add
  const before = existing(state, transactionalId)
  // First of all: with transactions v2 the end may give the producer another id, which it has heard of already.
  if (isPrepared(before)) throw stillEnding()
  const refusal = refuse(before, add)
  if (refusal !== null) throw refusal
  if (before.state === 'Ongoing' && includes(before.partitions, partitions)) return decision().answer(reply, 'NONE')
  const value = withPartitions(before, partitions, clientVersion, nowMs)
  return decided(state, transactionalId, value, environment).answer(reply, 'NONE')
}

/** What a leader is told that asks about partitions; by what is committed, for what isn't may still be lost. */
export function verifyPartition(
  transaction: Transaction | null,
  producer: ProducerOfRequest,
  topic: string,
  partition: number,
): ErrorCode {
  if (transaction === null) return 'INVALID_PRODUCER_ID_MAPPING'
  const refusal = refuse(transaction, producer)
  if (refusal !== null) return refusal.code
  return transaction.partitions.get(topic)?.has(partition) === true ? 'NONE' : 'TRANSACTION_ABORTABLE'
}

function refuse(transaction: Transaction, { producerId, producerEpoch }: ProducerOfRequest): KafkaError | null {
  if (transaction.producerId !== producerId)
    return new KafkaError('INVALID_PRODUCER_ID_MAPPING', `producer id ${producerId}, now ${transaction.producerId}`)
  if (transaction.producerEpoch !== producerEpoch)
    return new KafkaError('PRODUCER_FENCED', `epoch ${producerEpoch}, now ${transaction.producerEpoch}`)
  if (isPrepared(transaction)) return stillEnding()
  return null
}
