import { expect, test } from 'vitest'
import { parseUuid } from '../base/uuid.ts'
import { bootstrapValues } from '../metadata/bootstrap.ts'
import { METADATA_VERSION_LATEST } from '../metadata/features.ts'
import { KRAFT_VERSIONS } from '../raft/voters.ts'
import { readMetaProperties } from '../storage/meta-properties.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { formatDirectory, readBootstrap } from './format.ts'
import { METADATA_DIRECTORY } from './quorum-options.ts'
import { readSnapshot, snapshotName } from './snapshot-files.ts'

const CLUSTER = 'AAAAAAAAAAAAAAAAAAAAAQ'
const DIRECTORY_ID = parseUuid('BAAAAAAAAAAAAAAAAAAAAA')!
const DIRECTORY = '/volume/klamm/data'
const FIRST_SNAPSHOT = `${DIRECTORY}/${METADATA_DIRECTORY}/${snapshotName({ endOffset: 0, epoch: 0 })}`

/** What there is when the power is lost `afterMs` after formatting began, or when formatting has ended. */
async function formattedUntil(seed: number, afterMs: number | null) {
  const world = new SeededWorld(seed)
  return world.run(async () => {
    const { disk, clock, random } = world
    const formatted = formatDirectory({
      disk,
      clock,
      random,
      directory: DIRECTORY,
      clusterId: CLUSTER,
      nodeId: 1,
      directoryId: DIRECTORY_ID,
      bootstrapValues: bootstrapValues(METADATA_VERSION_LATEST),
      voters: [
        {
          id: 1,
          directoryId: DIRECTORY_ID,
          endpoints: [{ name: 'CONTROLLER', host: 'localhost', port: 9093 }],
          kraftVersions: KRAFT_VERSIONS,
        },
      ],
    })
    formatted.catch(() => {})
    if (afterMs === null) await formatted
    else await new Promise<void>((resolve) => void clock.at(clock.monotonicMs() + afterMs, resolve))
    world.main.powerLoss()
    world.main.disk.heal()
    const properties = await readMetaProperties(world.disk, DIRECTORY)
    if (properties === null) return null
    const bootstrap = await readBootstrap(world.disk, DIRECTORY)
    const { state } = await readSnapshot(world.disk, FIRST_SNAPSHOT)
    return { clusterId: properties.clusterId, batches: bootstrap?.length, voters: state.voters?.length }
  })
}

test('a directory that was formatted is there whole after a power loss', async () => {
  for (let seed = 0; seed < 20; seed++) {
    expect(await formattedUntil(seed, null), `seed ${seed}`).toEqual({ clusterId: CLUSTER, batches: 1, voters: 1 })
  }
})

test('a power loss while a directory is formatted leaves none, or all of it', async () => {
  const outcomes = { none: 0, whole: 0 }
  for (let seed = 0; seed < 120; seed++) {
    const found = await formattedUntil(seed, seed / 4)
    if (found !== null) expect(found, `seed ${seed}`).toEqual({ clusterId: CLUSTER, batches: 1, voters: 1 })
    outcomes[found === null ? 'none' : 'whole']++
  }
  expect(Math.min(outcomes.none, outcomes.whole)).toBeGreaterThan(5)
})
