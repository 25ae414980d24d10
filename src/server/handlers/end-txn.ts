/** EndTxn v0-5: commits or aborts; from v5 on (transactions v2) the answer has the producer's next epoch. */
import { EndTxn } from '../../protocol/generated/end-txn.ts'
import { handler } from '../handler.ts'
import { forOlderClients } from './init-producer-id.ts'

/** Its clients take the epoch of the next transaction from the answer. */
const EPOCH_BUMP_FROM = 5
const FENCED_FROM = 2

export const endTxnHandler = handler(EndTxn, {
  handle: async (services, request, { apiVersion }) => {
    const clientVersion = apiVersion >= EPOCH_BUMP_FROM ? 2 : 0
    const answer = await services.transactions.endTxn(request, request.committed, clientVersion)
    return { ...answer, errorCode: forOlderClients(answer.errorCode ?? 0, apiVersion, FENCED_FROM) }
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})
