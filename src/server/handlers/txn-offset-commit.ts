/**
 * TxnOffsetCommit v0-5: offsets that are committed when the producer's transaction is. v2 brings leader epochs, v3 the
 * member of the group, v5 the partition is added to the transaction here.
 */
import { TxnOffsetCommit } from '../../protocol/generated/txn-offset-commit.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const txnOffsetCommitHandler = handler(TxnOffsetCommit, {
  handle: (services, request, context) => services.groups.txnOffsetCommit(groupContext(context), request),
  failed: ({ topics }, error) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error.errno })),
    })),
  }),
})
