/**
 * Replicas on their way from one log directory to another (AlterReplicaLogDirs, KIP-113).
 *
 * While the future log is behind, the current one serves and is copied, a few replicas at a time. When it has caught up, the
 * cluster is told where the replica is going to lie: if the target's disk failed first, nobody would know that the replica is
 * gone (KIP-858). Once it agrees, in the moment in which both are equal the two are
 * swapped in memory, at once for everybody; then the new one's directory takes the plain name, and only then the old
 * one's is marked for deletion: a crash between the two leaves both, never neither (log-loading.ts tells them apart).
 */
import type { Logger } from '../base/logger.ts'
import { ByteQuota } from '../metrics/byte-quota.ts'
import type { Clock } from '../world/world.ts'
import { parentOf } from './atomic-file.ts'
import { CopyLanes } from './copy-lanes.ts'
import { copyLog, isCaughtUp, type CopyTerms } from './log-copy.ts'
import type { LogReplica } from './log-replicas.ts'
import { topicPartitionName } from './topic-partition.ts'

/** How much is copied at once, and how fast. */
export interface MoveLimits {
  readonly quota: ByteQuota
  /** Replicas that are copied at a time. */
  readonly lanes: number
  /** How long a copy pauses while more was copied than the quota allows. */
  readonly pauseMs: number
}

export interface MoveOwner {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: MoveLimits
  /** Resolves when the cluster knows that the replica is going to lie in the future log's directory; may never. */
  claim(future: LogReplica): Promise<void>
  /** What was claimed does not happen: it stays where it is. */
  disclaim(current: LogReplica): void
  /** Makes the future log the current one, in memory. */
  swap(current: LogReplica, future: LogReplica): void
  /** The old log goes. */
  remove(old: LogReplica): Promise<void>
  failed(replica: LogReplica, error: unknown): void
}

interface Move {
  readonly future: LogReplica
  stopped: boolean
  /** Ends a wait for more to copy, or for the cluster. */
  wake: () => void
  endPause: () => void
  ended: Promise<void>
}

/** Nothing is bounded. */
export function unlimitedMoves(clock: Clock): MoveLimits {
  const quota = new ByteQuota(() => clock.monotonicMs(), { windowMs: 1000, windows: 11 })
  return { quota, lanes: Infinity, pauseMs: 1000 }
}

const nothing = (): void => {}

export class LogMoves {
  readonly #owner: MoveOwner
  readonly #moves = new Map<string, Move>()
  readonly #lanes: CopyLanes

  constructor(owner: MoveOwner) {
    this.#owner = owner
    this.#lanes = new CopyLanes(owner.limits.lanes)
  }

  start(current: LogReplica, future: LogReplica): void {
    const name = nameOf(current)
    const move: Move = { future, stopped: false, wake: nothing, endPause: nothing, ended: Promise.resolve() }
    current.log.onWritten(() => move.wake())
    this.#moves.set(name, move)
    move.ended = this.#run(current, future, move).finally(() => {
      if (this.#moves.get(name) === move) this.#moves.delete(name)
    })
  }

  /** Resolves when nothing of the move runs any more. The future log is left as it is. */
  async stop(topic: string, partition: number): Promise<void> {
    const move = this.#moves.get(topicPartitionName(topic, partition))
    if (move === undefined) return
    this.#end(move)
    await move.ended
  }

  async stopAll(): Promise<void> {
    const moves = [...this.#moves.values()]
    for (const move of moves) this.#end(move)
    await Promise.all(moves.map((move) => move.ended))
  }

  #end(move: Move): void {
    move.stopped = true
    this.#lanes.giveUp(move.future.log.topicPartition)
    move.endPause()
    move.wake()
  }

  async #run(current: LogReplica, future: LogReplica, move: Move): Promise<void> {
    if (!(await this.#lanes.enter(future.log.topicPartition))) return
    try {
      await this.#copyAndSwap(current, future, move)
    } finally {
      this.#lanes.leave()
    }
  }

  async #copyAndSwap(current: LogReplica, future: LogReplica, move: Move): Promise<void> {
    const owner = this.#owner
    const waiting = this.#lanes.waitingCount
    const isStopped = (): boolean => move.stopped || current.directory.isOffline || future.directory.isOffline
    // Who was stopped while it did something else is woken no more.
    const moreWritten = (): Promise<void> =>
      isStopped() ? Promise.resolve() : new Promise((resolve) => (move.wake = resolve))
    let lastRefusal = ''
    const terms: CopyTerms = {
      quota: owner.limits.quota,
      moreWritten,
      pause: () => this.#pause(move),
      isStopped,
      refused: ({ message }) => {
        if (message === lastRefusal) return
        lastRefusal = message
        owner.logger.error(`The move of ${current.log.directory} waits, and tries again: ${message}`)
      },
    }
    let claim = 'none' as 'none' | 'asked' | 'agreed'
    let isSwapped = false
    try {
      if (isStopped()) return
      // A process may have died before it wrote it, and who claims the target is known by it.
      const { topicId } = current.log
      if (topicId !== null) future.log.setTopicId(topicId)
      const { directory, assignedEnd } = future.log
      owner.logger.info(
        `Copying ${current.log.directory} to ${directory} from offset ${assignedEnd} on, ${waiting} more wait`,
      )
      for (;;) {
        await copyLog(current.log, future.log, terms)
        if (isStopped()) return
        if (current.log.latestEpoch > future.log.latestEpoch) await future.log.assignEpoch(current.log.latestEpoch)
        // What was flushed must stay so; the old log goes behind this.
        if (future.log.recoveryPoint < current.log.recoveryPoint) await future.log.flush()
        if (!isCaughtUp(current.log, future.log)) continue
        if (claim === 'agreed') break
        if (claim === 'none') {
          claim = 'asked'
          void owner.claim(future).then(() => {
            claim = 'agreed'
            move.wake()
          })
        }
        await moreWritten()
      }
      if (isStopped()) return
      future.log.setHighWatermark(current.log.highWatermark)
      owner.swap(current, future)
      isSwapped = true
      const { topic, partition } = future.log.topicPartition
      const to = `${parentOf(future.log.directory)}/${topicPartitionName(topic, partition)}`
      await future.log.renameDirectory(to, () => future.directory.syncEntries())
      await owner.remove(current)
      owner.logger.info(`Successfully replaced current log in ${current.directory.path} with ${to}`)
    } catch (error) {
      if (!isStopped()) owner.failed(current.directory.isOffline ? current : future, error)
    } finally {
      if (claim !== 'none' && !isSwapped) owner.disclaim(current)
    }
  }

  #pause(move: Move): Promise<void> {
    if (move.stopped) return Promise.resolve()
    const { clock, limits } = this.#owner
    return new Promise((resolve) => {
      const timer = clock.at(clock.monotonicMs() + limits.pauseMs, resolve)
      move.endPause = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}

function nameOf({ log: { topicPartition } }: LogReplica): string {
  return topicPartitionName(topicPartition.topic, topicPartition.partition)
}
