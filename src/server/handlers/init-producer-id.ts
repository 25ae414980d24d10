/**
 * InitProducerId v0-5: an id for an idempotent producer. A transactional id is refused: transactions are not coordinated
 * by this release (v6 and two-phase commit belong to them). An id and an epoch that are carried on (v3) go together.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { handler } from '../handler.ts'

export const initProducerIdHandler = handler(InitProducerId, {
  versions: { lowest: 0, highest: 5 },
  handle: async (services, request) => {
    if (request.transactionalId !== null)
      return { errorCode: ERROR_CODES.INVALID_REQUEST, producerId: -1, producerEpoch: -1 }
    if ((request.producerId === -1) !== (request.producerEpoch === -1))
      return { errorCode: ERROR_CODES.INVALID_REQUEST, producerId: -1, producerEpoch: -1 }
    return { producerId: await services.producerIds.next(), producerEpoch: 0 }
  },
  failed: (_request, error) => ({ errorCode: error.errno, producerId: -1, producerEpoch: -1 }),
})
