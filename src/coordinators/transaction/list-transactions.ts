/** ListTransactions: of all ids that are coordinated here those that pass every filter (KIP-664, 994, 1152). */
import { KafkaError } from '../../base/errors.ts'
import type { Init } from '../../protocol/codec.ts'
import type { ListTransactionsRequest, ListTransactionsResponse } from '../../protocol/generated/list-transactions.ts'
import type { TimelineMap } from '../runtime/undo-log.ts'
import { TRANSACTION_STATES, type Transaction } from './transaction.ts'

/** @throws KafkaError INVALID_REGULAR_EXPRESSION */
export function listTransactions(
  request: ListTransactionsRequest,
  shards: readonly TimelineMap<string, Transaction>[],
  nowMs: number,
): Init<ListTransactionsResponse> {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request
  const known: readonly string[] = TRANSACTION_STATES
  const pattern = patternOf(transactionalIdPattern)
  const producers = new Set(producerIdFilters)
  const transactionStates: Init<ListTransactionsResponse.TransactionState>[] = []
  for (const transactions of shards) {
    for (const [transactionalId, { producerId, state, startMs }] of transactions.entries()) {
      if (producers.size > 0 && !producers.has(producerId)) continue
      if (stateFilters.length > 0 && !stateFilters.includes(state)) continue
      if (durationFilter >= 0 && nowMs - startMs <= durationFilter) continue
      if (pattern !== null && !pattern.test(transactionalId)) continue
      transactionStates.push({ transactionalId, producerId, transactionState: state })
    }
  }
  const unknownStateFilters = [...new Set(stateFilters)].filter((name) => !known.includes(name))
  return { errorCode: 0, unknownStateFilters, transactionStates }
}

/** The whole id must match. Kafka's patterns are RE2 or Java's; what JavaScript can't read is refused. */
function patternOf(text: string | null): RegExp | null {
  if (text === null || text === '') return null
  try {
    return new RegExp(`^(?:${text})$`, 'su')
  } catch {
    throw new KafkaError(
      'INVALID_REGULAR_EXPRESSION',
      `Transaction ID pattern \`${text}\` is not a valid regular expression.`,
    )
  }
}
