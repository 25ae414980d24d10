/**
 * Creates, closes and opens many partitions: `node scripts/run.mjs bench/partitions.ts [partitions] [batches in each]`.
 *
 * Prints for each phase seconds of the clock and of the processors, resident memory, and calls of the disk per partition.
 */
import { promises as fs } from 'node:fs'
import { tmpdir } from 'node:os'
import { SILENT } from '../src/base/logger.ts'
import { parseUuid } from '../src/base/uuid.ts'
import { DEFAULT_LOG_CONFIG } from '../src/config/log-config.ts'
import { buildBatch } from '../src/records/batch-builder.ts'
import { forEachBounded } from '../src/storage/bounded.ts'
import { openLogDirectories } from '../src/storage/log-directories.ts'
import { DEFAULT_MAINTENANCE_INTERVALS } from '../src/storage/log-maintenance.ts'
import { unlimitedMoves } from '../src/storage/log-moves.ts'
import { LogManager } from '../src/storage/log-manager.ts'
import { TailCache } from '../src/storage/tail-cache.ts'
import { nodeWorld } from '../src/world/node/index.ts'
import type { Disk } from '../src/world/world.ts'

const PARTITIONS = Number(process.argv[2] ?? 10_000)
const BATCHES = Number(process.argv[3] ?? 1)
const IN_FLIGHT = Number(process.env['IN_FLIGHT'] ?? 3)

let calls = 0
const world = nodeWorld()
const disk: Disk = new Proxy(world.disk, {
  get(target, key) {
    const member: unknown = Reflect.get(target, key)
    if (typeof member !== 'function') return member
    return (...args: unknown[]) => {
      calls++
      return Reflect.apply(member, target, args)
    }
  },
})

async function phase(name: string, work: () => Promise<void>): Promise<void> {
  calls = 0
  const startedMs = performance.now()
  const before = process.cpuUsage()
  await work()
  const cpu = process.cpuUsage(before)
  const figures = [
    `${((performance.now() - startedMs) / 1000).toFixed(2)} s`,
    `${((cpu.user + cpu.system) / 1e6).toFixed(2)} CPU-s`,
    `${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`,
    `${(calls / PARTITIONS).toFixed(1)} calls`,
  ]
  console.log(`${name.padEnd(8)} ${figures.join('  ')}`)
}

async function load(path: string): Promise<LogManager> {
  const { clock, random } = world
  const identity = { paths: [path], metadataPath: null, clusterId: 'bench', nodeId: 1 }
  const directories = await openLogDirectories({ disk, clock, random, logger: SILENT, ...identity })
  return LogManager.load({
    disk,
    clock,
    random,
    logger: SILENT,
    directories,
    defaultConfig: DEFAULT_LOG_CONFIG,
    topicConfigs: new Map(),
    producerIdExpirationMs: 86_400_000,
    tailCache: new TailCache(32 << 20, false),
    intervals: DEFAULT_MAINTENANCE_INTERVALS,
    inFlightMax: IN_FLIGHT,
    isKnown: () => true,
    assignedDirectory: () => null,
    moveLimits: unlimitedMoves(clock),
  })
}

const path = await fs.mkdtemp(`${tmpdir()}/klamm-partitions-`)
try {
  await fs.writeFile(
    `${path}/meta.properties`,
    'version=1\ncluster.id=bench\nnode.id=1\ndirectory.id=nLiBKRtUTHOn4PqZgTBHRQ\n',
  )
  let logs = await load(path)
  const topicId = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg')
  const partitions = Array.from({ length: PARTITIONS }, (_, index) => index)
  await phase('create', () =>
    forEachBounded(partitions, IN_FLIGHT, async (partition) => {
      await logs.getOrCreate('bench', partition, { topicId, isNew: true, directoryId: null })
    }),
  )
  const append = async (): Promise<void> => {
    const all = [...logs.all()]
    await forEachBounded(all, IN_FLIGHT, async (log) => {
      const records = buildBatch({ records: [{ timestamp: 1_767_225_600_000, value: Buffer.alloc(100) }] })
      await log.append(records, { epoch: 0, origin: 'client' }).written
    })
  }
  for (let batch = 0; batch < BATCHES; batch++) await phase('append', append)
  await phase('close', () => logs.close(1))
  await phase('open', async () => {
    logs = await load(path)
  })
  await phase('close', () => logs.close(1))
} finally {
  await fs.rm(path, { recursive: true })
}
