import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import { ScriptedCluster } from '../testing/scripted/scripted-cluster.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { BrokerPeers } from './broker-peers.ts'

test('a connection to where a broker was, which opens when it is elsewhere already, is closed', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, { nodes: 2, topics: {} })
    const { clock, network, random } = world
    const pool = new ChunkPool({ freeBytesMax: 1 << 20, poison: true })
    const at = (node: number, id: number) => ({ ...cluster.endpoint(node), id, rack: null })
    const requestTimeoutMs = (): number => 1000
    const peers = new BrokerPeers({ clock, network, random, pool, logger: SILENT, nodeId: 9, requestTimeoutMs })
    const before = peers.connection(at(1, 7))
    const now = peers.connection(at(2, 7))
    expect([(await before).isClosed, (await now).isClosed]).toEqual([true, false])
    expect(await peers.connection(at(2, 7))).toBe(await now)
    const opening = peers.connection(at(1, 8))
    peers.close()
    expect([(await opening).isClosed, (await now).isClosed]).toEqual([true, true])
  })
})
