/**
 * InitProducerId v0-5: an id for an idempotent producer, from any broker; an id and an epoch for a transactional one, from the
 * coordinator of its transactional id. v3 carries on what the producer had, v4 knows PRODUCER_FENCED. v6, two-phase
 * commit (KIP-939), is not stable in Kafka 4.3, which does not serve it either.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { handler } from '../handler.ts'

/** Before, clients know INVALID_PRODUCER_EPOCH. */
const FENCED_FROM = 4

export const initProducerIdHandler = handler(InitProducerId, {
  versions: { lowest: 0, highest: 5 },
  handle: async (services, request, context) => {
    const { transactionalId } = request
    if (transactionalId !== null) {
      const answer = await services.transactions.initProducerId({ ...request, transactionalId })
      return { ...answer, errorCode: forOlderClients(answer.errorCode ?? 0, context.apiVersion, FENCED_FROM) }
    }
    if ((request.producerId === -1) !== (request.producerEpoch === -1))
      return { errorCode: ERROR_CODES.INVALID_REQUEST, producerId: -1, producerEpoch: -1 }
    return { producerId: await services.producerIds.next(), producerEpoch: 0 }
  },
  failed: (_request, error) => ({ errorCode: error.errno, producerId: -1, producerEpoch: -1 }),
})

/** PRODUCER_FENCED came with 2.7: before `from` it is told as the epoch that is over. */
export function forOlderClients(errorCode: number, apiVersion: number, from: number): number {
  return errorCode === ERROR_CODES.PRODUCER_FENCED && apiVersion < from ? ERROR_CODES.INVALID_PRODUCER_EPOCH : errorCode
}
