/**
 * Opens a metadata directory: leftovers removed, the log recovered as after an unclean shutdown, its newest snapshot read,
 * and all that consensus must know found: epochs, ends, the voters and where they were named.
 */
import { OperationalError } from '../base/errors.ts'
import type { ElectionState } from '../raft/raft-io.ts'
import type { LogContent } from '../raft/log-view.ts'
import { VoterHistory, type VoterEntry } from '../raft/voter-history.ts'
import { voterOf, type VoterSet } from '../raft/voters.ts'
import { isControl, lastOffset } from '../records/batch.ts'
import { readControlBatch } from './control-batches.ts'
import type { MetadataLogStore } from './metadata-log-store.ts'
import { METADATA_DIRECTORY, openPartitionLog, type LoadSink, type QuorumOptions } from './quorum-options.ts'
import { readQuorumState } from './quorum-state-file.ts'
import { readSnapshot, removeLeftovers, snapshotName } from './snapshot-files.ts'
import { keptSnapshots, type KeptSnapshot } from './snapshot-store.ts'

export interface LoadedLog {
  readonly directory: string
  readonly election: ElectionState | null
  readonly log: MetadataLogStore
  readonly snapshots: readonly KeptSnapshot[]
  readonly voters: readonly VoterEntry[]
  /** Of records behind the newest snapshot. */
  readonly bytesBehind: number
  /** All below was handed to the sink. */
  readonly handedTo: number
  /** This node is the only voter. */
  readonly isAlone: boolean
}

/** @throws OperationalError LOG_CORRUPT. */
export async function loadLog(options: QuorumOptions, sink: LoadSink): Promise<LoadedLog> {
  const { disk } = options
  const directory = `${options.logDirectory}/${METADATA_DIRECTORY}`
  if ((await disk.stat(directory)) === null) {
    await disk.makeDirectory(directory)
    // Or a power loss takes the directory, and all that was committed in it.
    await disk.syncDirectory(options.logDirectory)
  }
  await removeLeftovers(disk, directory)
  const election = await readQuorumState(disk, directory)
  const log = await (options.openLog ?? ((path) => openPartitionLog(options, path)))(directory)
  try {
    const snapshots = await keptSnapshots(disk, directory, log.startOffset)
    const loaded = await loadContent(options, sink, directory, log, snapshots)
    return { directory, election: election?.election ?? null, log, snapshots, ...loaded }
  } catch (error) {
    await log.closeHard()
    throw error
  }
}

async function loadContent(
  options: QuorumOptions,
  sink: LoadSink,
  directory: string,
  log: MetadataLogStore,
  snapshots: readonly KeptSnapshot[],
): Promise<Pick<LoadedLog, 'voters' | 'bytesBehind' | 'handedTo' | 'isAlone'>> {
  const { disk, logger } = options
  const latest = snapshots.at(-1) ?? null
  if (latest === null && log.startOffset > 0) {
    throw new OperationalError(
      'LOG_CORRUPT',
      `${directory} starts at ${log.startOffset} and has no snapshot up to there`,
    )
  }
  const configured: VoterSet = { kraftVersion: 0, voters: options.staticVoters }
  const voters: VoterEntry[] = [{ offset: -1, set: configured }]
  const history = new VoterHistory(voters)
  let from = 0
  let begin = (): void => {}
  if (latest !== null) {
    const content = await readSnapshot(disk, `${directory}/${snapshotName(latest)}`)
    const { kraftVersion, voters: named } = content.state
    from = latest.endOffset
    if (named !== null) {
      // 0-0 was written by formatting: no record of the log has named them yet.
      voters[0] = { offset: from - 1, set: { kraftVersion, voters: named } }
      history.startAt(from, { kraftVersion, voters: named })
    }
    const provenance = { offset: from - 1, epoch: latest.epoch, timestampMs: content.lastContainedMs }
    begin = () => sink.snapshot(content, provenance)
    begin()
    if (from > log.assignedEnd) {
      logger.info(`[RaftManager] The log ends at ${log.assignedEnd}, before the snapshot at ${from}: starting there`)
      await log.truncateFullyAndStartAt(from)
    }
  }
  const wasAlone = isOnlyVoter(options, history.last.set)
  let bytesBehind = 0
  await log.scan(from, (bytes, at, size) => {
    bytesBehind += size
    if (wasAlone) sink.batch(bytes, at)
    if (!isControl(bytes, at)) return
    const { change } = readControlBatch(bytes, at, { kraftVersion: 0, voters: null })
    if (change === null) return
    history.append(lastOffset(bytes, at), change)
    voters.push(history.last)
  })
  // Where nobody else votes, nobody else can have committed anything else: all that is there counts.
  const isAlone = isOnlyVoter(options, history.last.set)
  if (wasAlone && !isAlone) begin()
  else if (isAlone && !wasAlone) await log.scan(from, (bytes, at) => sink.batch(bytes, at))
  return { voters, bytesBehind, handedTo: isAlone ? log.assignedEnd : from, isAlone }
}

function isOnlyVoter({ nodeId, directoryId, mayVote }: QuorumOptions, set: VoterSet): boolean {
  return mayVote && set.voters.length === 1 && voterOf(set, { id: nodeId, directoryId }) !== null
}

/** As consensus sees it. */
export function contentOf(log: MetadataLogStore, snapshots: readonly KeptSnapshot[]): LogContent {
  const { startOffset, assignedEnd } = log
  return {
    startOffset,
    endOffset: assignedEnd,
    // An epoch that was entered and got no record isn't one of the log.
    epochs: log.epochStarts.filter((entry) => entry.startOffset < assignedEnd),
    snapshots: snapshots.map(({ endOffset, epoch, bytes }) => ({ endOffset, epoch, bytes })),
  }
}
