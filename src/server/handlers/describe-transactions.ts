/** DescribeTransactions v0 (KIP-664): what the coordinator knows of transactional ids. */
import { DescribeTransactions } from '../../protocol/generated/describe-transactions.ts'
import { handler } from '../handler.ts'

export const describeTransactionsHandler = handler(DescribeTransactions, {
  handle: (services, { transactionalIds }) => ({
    transactionStates: transactionalIds.map((id) => services.transactions.describe(id)),
  }),
})
