/**
 * What formatting writes into a log directory, as `kafka-storage.sh format` does: `bootstrap.checkpoint` with the records
 * that a new cluster begins with, and for a dynamic quorum (kraft.version 1), in the metadata directory only, the snapshot
 * 0-0 with the first voters. meta.properties comes last: a directory without it isn't formatted, however far we got.
 */
import type { Uuid } from '../base/uuid.ts'
import type { Voter } from '../raft/voters.ts'
import { makeDirectory, putFile, syncDirectories, writeDraft } from '../storage/atomic-file.ts'
import { together } from '../storage/bounded.ts'
import { META_PROPERTIES_FILE, formatMetaProperties } from '../storage/meta-properties.ts'
import type { Clock, Disk, Random } from '../world/world.ts'
import { METADATA_DIRECTORY } from './quorum-options.ts'
import { readSnapshot, snapshotBatches, snapshotName, writeSnapshot } from './snapshot-files.ts'

export const BOOTSTRAP_FILE = 'bootstrap.checkpoint'

export interface FormatOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  /** The log directory. */
  readonly directory: string
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: Uuid
  /** Framed records: metadata/bootstrap.ts. */
  readonly bootstrapValues: readonly Buffer[]
  /** First voters of a dynamic quorum; null for any other directory, and for static voters. */
  readonly voters: readonly Voter[] | null
}

export async function formatDirectory(options: FormatOptions): Promise<void> {
  const { disk, clock, directory, voters } = options
  const timestampMs = clock.wallMs()
  const { clusterId, nodeId, directoryId } = options
  const properties = formatMetaProperties({ version: 1, clusterId, nodeId, directoryId }, timestampMs)
  const path = `${directory}/${META_PROPERTIES_FILE}`
  const parents = await makeDirectory(disk, directory)
  // Side by side, because each waits for the disk. meta.properties gets its name last: it says that all is there.
  let draft = ''
  await together(
    () => syncDirectories(disk, parents),
    () => putFile(disk, `${directory}/${BOOTSTRAP_FILE}`, bootstrapFile(options.bootstrapValues, timestampMs)),
    async () => (voters === null ? undefined : writeFirstSnapshot(options, voters, timestampMs)),
    async () => {
      draft = await writeDraft(disk, path, Buffer.from(properties, 'latin1'))
    },
  )
  await disk.syncDirectory(directory)
  await disk.rename(draft, path)
  await disk.syncDirectory(directory)
}

async function writeFirstSnapshot(
  { disk, random, directory }: FormatOptions,
  voters: readonly Voter[],
  timestampMs: number,
): Promise<void> {
  const metadataDirectory = `${directory}/${METADATA_DIRECTORY}`
  await disk.makeDirectory(metadataDirectory)
  const path = `${metadataDirectory}/${snapshotName({ endOffset: 0, epoch: 0 })}`
  await writeSnapshot(disk, path, random.bytes(8).toString('hex'), {
    epoch: 0,
    lastContainedMs: timestampMs,
    timestampMs,
    state: { kraftVersion: 1, voters },
    values: [],
  })
}

export function bootstrapFile(values: readonly Buffer[], timestampMs: number): Buffer {
  const state = { kraftVersion: 0, voters: null }
  return Buffer.concat([...snapshotBatches({ epoch: 0, lastContainedMs: 0, timestampMs, state, values })])
}

/** Data batches of `bootstrap.checkpoint`, null if there is none. @throws OperationalError LOG_CORRUPT. */
export async function readBootstrap(disk: Disk, directory: string): Promise<readonly Buffer[] | null> {
  const path = `${directory}/${BOOTSTRAP_FILE}`
  if ((await disk.stat(path)) === null) return null
  return (await readSnapshot(disk, path)).batches
}
