/** A metadata transaction (KIP-868) whose controller is gone before its end: the next one, which followed it, aborts it. */
import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { parseBrokerConfig } from '../config/parse-broker-config.ts'
import { bootstrapValues } from '../metadata/bootstrap.ts'
import { encodeMetadataRecord, metadataRecord } from '../metadata/metadata-records.ts'
import { formatDirectory } from '../quorum/format.ts'
import { KRAFT_VERSIONS } from '../raft/voters.ts'
import { openLogDirectories } from '../storage/log-directories.ts'
import { plainImage } from '../testing/plain-image.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { bindController, openController, type ControllerHalf } from './controller-half.ts'
import { bringUp, type Node } from './node-life.ts'

const CLUSTER_ID = 'cccccccccccccccccccccA'
const IDS = [1, 2, 3]
/** Stands by all the time, and writes a snapshot behind each commit that may have one. */
const EAGER = 2
const TOPIC_ID = parseUuid('ttttttttttttttttttttQA')!

const directoryOf = (id: number): Uuid => parseUuid(`ddddddddddddddddddd0${id}A`)!

interface Running {
  readonly node: Node
  readonly half: ControllerHalf
}

async function start(world: SeededWorld, id: number): Promise<Running> {
  const { config } = parseBrokerConfig(
    new Map([
      ['process.roles', 'controller'],
      ['node.id', String(id)],
      ['listeners', `CONTROLLER://n${id}:9093`],
      ['controller.quorum.bootstrap.servers', IDS.map((voter) => `n${voter}:9093`).join()],
      ['controller.listener.names', 'CONTROLLER'],
      ['log.dirs', '/data'],
      ...(id === EAGER ? ([['metadata.log.max.record.bytes.between.snapshots', '1']] as const) : []),
    ]),
  )
  const options = { world: world.node(`n${id}`).world, config, logger: SILENT }
  let half: ControllerHalf | null = null
  const node = await bringUp(options, async (life) => {
    const listener = await bindController(options, life)
    const directories = await openLogDirectories({
      ...options.world,
      logger: SILENT,
      paths: ['/data'],
      metadataPath: '/data',
      clusterId: null,
      nodeId: id,
    })
    const opened = await openController(options, life, listener, directories, null)
    half = opened
    const close = async (): Promise<void> => {
      await opened.close()
      for (const directory of directories.live) await directory.unlock()
    }
    const image = () => opened.controller.image
    return life.up({ listeners: listener.bound, clusterId: CLUSTER_ID, image, close, closeHard: close })
  })
  return { node, half: half! }
}

test('the next active controller aborts it, and no controller shows anything of it', async () => {
  const world = new SeededWorld(3)
  await world.run(async () => {
    for (const id of IDS) {
      await formatDirectory({
        ...world.node(`n${id}`).world,
        directory: '/data',
        clusterId: CLUSTER_ID,
        nodeId: id,
        directoryId: directoryOf(id),
        bootstrapValues: bootstrapValues(30),
        voters: IDS.map((voter) => ({
          id: voter,
          directoryId: directoryOf(voter),
          kraftVersions: KRAFT_VERSIONS,
          endpoints: [{ name: 'CONTROLLER', host: `n${voter}`, port: 9093 }],
        })),
      })
    }
    const nodes = await Promise.all(IDS.map((id) => start(world, id)))
    await world.advance(8000)
    const active = nodes.find(({ half }) => half.controller.isActive)!
    const begun = [
      metadataRecord('BeginTransactionRecord', 0, { name: 'half of it' }),
      metadataRecord('TopicRecord', 0, { name: 'unfinished', topicId: TOPIC_ID }),
    ]
    const last = active.half.quorum.append(begun.map(encodeMetadataRecord))
    await world.advance(300)
    expect(active.half.quorum.committedEnd).toBeGreaterThan(last)
    const files = (await world.node(`n${EAGER}`).world.disk.list('/data/__cluster_metadata-0'))!.map(({ name }) => name)
    const snapshotEnds = files.filter((name) => name.endsWith('.checkpoint')).map((name) => Number(name.slice(0, 20)))
    expect(snapshotEnds.some((end) => end > 0)).toBe(true)
    expect(Math.max(...snapshotEnds), 'no snapshot holds half of it').toBeLessThan(last)
    await active.node.close()
    await world.advance(8000)
    const others = nodes.filter((node) => node !== active)
    expect(others.map(({ half }) => half.controller.isActive).sort()).toEqual([false, true])
    const next = others.find(({ half }) => half.controller.isActive)!
    // Whether it is aborted in the log too: records after it count again.
    const records = [metadataRecord('TopicRecord', 0, { name: 'after', topicId: TOPIC_ID })]
    next.half.quorum.append(records.map(encodeMetadataRecord))
    await world.advance(1000)
    const standby = others.find((node) => node !== next)!
    expect(IDS[nodes.indexOf(standby)]).toBe(EAGER)
    expect([...standby.node.image.topics.all()].map(({ name }) => name)).toEqual(['after'])
    await Promise.all(others.map(({ node }) => node.close()))
    const again = await start(world, IDS[nodes.indexOf(active)]!)
    const third = await start(world, EAGER)
    await world.advance(8000)
    for (const { node } of [again, third]) {
      expect([...node.image.topics.all()].map(({ name }) => name)).toEqual(['after'])
    }
    expect({ ...plainImage(again.node.image), provenance: null }).toEqual({
      ...plainImage(third.node.image),
      provenance: null,
    })
    await Promise.all([again.node.close(), third.node.close()])
  })
})
