/** ListTransactions v0-2 (KIP-664): v1 brings a least duration, v2 a pattern of ids. */
import { ListTransactions } from '../../protocol/generated/list-transactions.ts'
import { handler } from '../handler.ts'

export const listTransactionsHandler = handler(ListTransactions, {
  handle: (services, request) => services.transactions.list(request),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
