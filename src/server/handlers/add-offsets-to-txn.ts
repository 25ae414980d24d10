/** AddOffsetsToTxn v0-4: the partition of a group's offsets becomes part of the transaction; not sent with transactions v2. */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { AddOffsetsToTxn } from '../../protocol/generated/add-offsets-to-txn.ts'
import { handler } from '../handler.ts'
import { CONSUMER_OFFSETS } from '../topic-names.ts'
import { forOlderClients } from './init-producer-id.ts'

const FENCED_FROM = 2

export const addOffsetsToTxnHandler = handler(AddOffsetsToTxn, {
  handle: async (services, request, { apiVersion }) => {
    const partition = services.groups.partitionOf(request.groupId)
    const partitions = new Map([[CONSUMER_OFFSETS, new Set([partition])]])
    const code = await services.transactions.addPartitions(request, partitions, 0)
    return { errorCode: forOlderClients(ERROR_CODES[code], apiVersion, FENCED_FROM) }
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})
