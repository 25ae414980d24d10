/** Markers on their way to the leaders of partitions. */
import { expect, test } from 'vitest'
import { ERROR_CODES as E } from '../base/error-codes.ts'
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../metadata/image.ts'
import { TopicsImage } from '../metadata/topics-image.ts'
import { WriteTxnMarkers, type WriteTxnMarkersRequest } from '../protocol/generated/write-txn-markers.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import { HANG_UP, ScriptedCluster } from '../testing/scripted/scripted-cluster.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { BrokerPeers } from './broker-peers.ts'
import { TransactionMarkers } from './transaction-markers.ts'

const ID = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg') as Uuid
const MARKER = { producerId: 7, producerEpoch: 3, coordinatorEpoch: 5, committed: true, transactionVersion: 2 }

/** Partition 0 is led by node 1, partition 1 by node 2, partition 2 by nobody. */
function imageOf({ host, port }: { host: string; port: number }): MetadataImage {
  const partitions = [1, 2, -1].map((leader) => ({
    replicas: [1],
    directories: [],
    isr: [1],
    leader,
    leaderEpoch: 0,
    partitionEpoch: 0,
    addingReplicas: [],
    removingReplicas: [],
    leaderRecoveryState: 0 as const,
    elr: [],
    lastKnownElr: [],
  }))
  const broker = {
    id: 2,
    epoch: 1,
    incarnationId: ID,
    listeners: [{ name: 'PLAINTEXT', host, port, securityProtocol: 0 }],
    features: [],
    rack: null,
    fenced: false,
    inControlledShutdown: false,
    directories: [],
    cordonedDirectories: null,
    isMigratingZkBroker: false,
  }
  return {
    ...EMPTY_IMAGE,
    topics: TopicsImage.EMPTY.with(new Map([['t', { name: 't', id: ID, partitions }]])),
    cluster: { ...EMPTY_IMAGE.cluster, brokers: new Map([[2, broker]]) },
  }
}

test('a marker is written here, sent to the leader, kept for a leader to come, or of a partition that is gone', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const { world: inside } = world.main
    const cluster = await ScriptedCluster.start(inside, { nodes: 2 })
    const peers = new BrokerPeers({
      ...inside,
      pool: new ChunkPool({ freeBytesMax: 0, poison: true }),
      logger: SILENT,
      nodeId: 1,
      requestTimeoutMs: () => 3000,
    })
    const here: string[] = []
    const markers = new TransactionMarkers({
      peers,
      image: () => imageOf(cluster.endpoint(2)),
      listener: 'PLAINTEXT',
      writeHere: (marker, topic, partition) => {
        here.push(`${marker.producerId} to ${topic}-${partition}`)
        return Promise.resolve('NOT_ENOUGH_REPLICAS')
      },
    })
    const seen: WriteTxnMarkersRequest[] = []
    const outcomes: number[] = [E.NONE, -1, E.TRANSACTION_COORDINATOR_FENCED]
    cluster.on(WriteTxnMarkers, (request) => {
      seen.push(request)
      const errorCode = outcomes.shift() ?? 0
      if (errorCode < 0) return HANG_UP
      return {
        markers: request.markers.map(({ producerId }) => ({
          producerId,
          topics: [{ name: 't', partitions: [{ partitionIndex: 1, errorCode }] }],
        })),
      }
    })
    expect(await markers.write(MARKER, 't', 0)).toBe('NOT_ENOUGH_REPLICAS')
    expect(here).toEqual(['7 to t-0'])
    expect(await markers.write(MARKER, 't', 2)).toBe('NOT_LEADER_OR_FOLLOWER')
    expect([await markers.write(MARKER, 't', 9), await markers.write(MARKER, 'gone', 0)]).toEqual(['NONE', 'NONE'])
    const codes: string[] = []
    for (let sent = 0; sent < 3; sent++) codes.push(await markers.write(MARKER, 't', 1))
    expect(codes).toEqual(['NONE', 'NETWORK_EXCEPTION', 'TRANSACTION_COORDINATOR_FENCED'])
    const both = [markers.write(MARKER, 't', 1), markers.write({ ...MARKER, producerId: 8 }, 't', 1)]
    expect(await Promise.all(both)).toEqual(['NONE', 'NONE'])
    expect(seen[0]?.markers).toMatchObject([
      {
        producerId: 7,
        producerEpoch: 3,
        transactionResult: true,
        coordinatorEpoch: 5,
        transactionVersion: 2,
        topics: [{ name: 't', partitionIndexes: [1] }],
      },
    ])
    peers.close()
    await cluster.close()
  })
})
