/**
 * Where the transaction coordinator of this broker has its markers written: here, or by WriteTxnMarkers at the leader.
 *
 * One request at a time goes to each broker; markers that come meanwhile go together in the next one.
 */
import { errorName, type ErrorCode } from '../base/error-codes.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { MarkerWrite } from '../coordinators/runtime/decision.ts'
import type { MarkerWriter } from '../coordinators/transaction/completion.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { WriteTxnMarkers, type WriteTxnMarkersResponse } from '../protocol/generated/write-txn-markers.ts'
import type { BrokerPeers } from './broker-peers.ts'
import { endpointOf, isLive, type Endpoint } from './endpoints.ts'

/** The first version that brokers of today serve. */
const VERSIONS = { min: 1 }

interface Waiting {
  readonly marker: MarkerWrite
  readonly topic: string
  readonly partition: number
  readonly answer: (code: ErrorCode) => void
}

interface Leader {
  endpoint: Endpoint
  isBusy: boolean
  next: Waiting[]
}

export interface TransactionMarkersOptions {
  readonly peers: BrokerPeers
  readonly image: () => MetadataImage
  /** Of inter-broker requests. */
  readonly listener: string
  readonly writeHere: (marker: MarkerWrite, topic: string, partition: number) => Promise<ErrorCode>
}

export class TransactionMarkers implements MarkerWriter {
  readonly #options: TransactionMarkersOptions
  readonly #leaders = new Map<number, Leader>()

  constructor(options: TransactionMarkersOptions) {
    this.#options = options
  }

  write(marker: MarkerWrite, topic: string, partition: number): Promise<ErrorCode> {
    const { image, listener, peers, writeHere } = this.#options
    const found = image().topics.partition(topic, partition)
    // Whoever deleted the partition ended what was in it.
    if (found === null) return Promise.resolve('NONE')
    if (found.leader === peers.nodeId) return writeHere(marker, topic, partition)
    const broker = image().cluster.brokers.get(found.leader)
    const endpoint = broker === undefined || !isLive(image(), found.leader) ? null : endpointOf(broker, listener)
    if (endpoint === null || peers.isClosed) return Promise.resolve('NOT_LEADER_OR_FOLLOWER')
    return new Promise((answer) => this.#queue(endpoint, { marker, topic, partition, answer }))
  }

  #queue(endpoint: Endpoint, waiting: Waiting): void {
    const leader = this.#leaders.get(endpoint.id) ?? { endpoint, isBusy: false, next: [] }
    this.#leaders.set(endpoint.id, leader)
    leader.endpoint = endpoint
    leader.next.push(waiting)
    if (!leader.isBusy) void this.#sendNext(leader)
  }

  async #sendNext(leader: Leader): Promise<void> {
    const { peers } = this.#options
    leader.isBusy = true
    while (leader.next.length > 0) {
      const sent = leader.next
      leader.next = []
      try {
        const connection = await peers.connection(leader.endpoint)
        const markers = sent.map(({ marker, topic, partition }) => ({
          producerId: marker.producerId,
          producerEpoch: marker.producerEpoch,
          coordinatorEpoch: marker.coordinatorEpoch,
          transactionResult: marker.committed,
          transactionVersion: marker.transactionVersion,
          topics: [{ name: topic, partitionIndexes: [partition] }],
        }))
        const answer = await connection.request(WriteTxnMarkers, { markers }, { versions: VERSIONS })
        for (const waiting of sent) waiting.answer(codeOf(answer, waiting))
      } catch (error) {
        if (!(error instanceof KafkaError || error instanceof OperationalError)) throw error
        if (!peers.isClosed)
          peers.logger.warn(`broker ${leader.endpoint.id} took no markers, they are sent again`, error)
        for (const waiting of sent) waiting.answer('NETWORK_EXCEPTION')
      }
    }
    leader.isBusy = false
  }
}

function codeOf({ markers }: WriteTxnMarkersResponse, { marker, topic, partition }: Waiting): ErrorCode {
  const found = markers
    .find(({ producerId }) => producerId === marker.producerId)
    ?.topics.find(({ name }) => name === topic)
    ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
  return found === undefined ? 'NETWORK_EXCEPTION' : (errorName(found.errorCode) ?? 'UNKNOWN_SERVER_ERROR')
}
