/** AllocateProducerIds: blocks of 1000 ids, each given out once in the cluster's life. */
import { KafkaError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import type { Init } from '../protocol/codec.ts'
import type {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '../protocol/generated/allocate-producer-ids.ts'
import { metadataRecord } from '../metadata/metadata-records.ts'
import { checkedBroker } from './brokers.ts'
import type { ControllerState, Decision } from './decision.ts'

const BLOCK = 1000

/** @throws KafkaError, which answers the request. */
export function allocateProducerIds(
  state: ControllerState,
  request: AllocateProducerIdsRequest,
): Decision<Init<AllocateProducerIdsResponse>> {
  const { id: brokerId, epoch: brokerEpoch } = checkedBroker(state, request.brokerId, request.brokerEpoch)
  const start = clampInt64(state.image.nextProducerId ?? 0)
  if (start > Number.MAX_SAFE_INTEGER - BLOCK) {
    throw new KafkaError('UNKNOWN_SERVER_ERROR', 'Exhausted all producerIds as the next block would exceed the limit')
  }
  const record = metadataRecord('ProducerIdsRecord', 0, { brokerId, brokerEpoch, nextProducerId: start + BLOCK })
  return { records: [record], answer: { errorCode: 0, producerIdStart: start, producerIdLen: BLOCK } }
}
