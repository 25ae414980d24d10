/**
 * Replicas on their way from one log directory to another (AlterReplicaLogDirs, KIP-113).
 *
 * While the future log is behind, the current one serves and is copied. In the moment in which both are equal the two are
 * swapped in memory, at once for everybody; then the new one's directory takes the plain name, and only then the old
 * one's is marked for deletion: a crash between the two leaves both, never neither (log-loading.ts tells them apart).
 */
import type { Logger } from '../base/logger.ts'
import { parentOf } from './atomic-file.ts'
import { copyLog, isCaughtUp } from './log-copy.ts'
import type { LogReplica } from './log-replicas.ts'
import { topicPartitionName } from './topic-partition.ts'

export interface MoveOwner {
  readonly logger: Logger
  /** Makes the future log the current one, in memory. */
  swap(current: LogReplica, future: LogReplica): void
  /** The old log goes. */
  remove(old: LogReplica): Promise<void>
  failed(replica: LogReplica, error: unknown): void
}

interface Move {
  readonly future: LogReplica
  stopped: boolean
  wake: () => void
  ended: Promise<void>
}

export class LogMoves {
  readonly #owner: MoveOwner
  readonly #moves = new Map<string, Move>()

  constructor(owner: MoveOwner) {
    this.#owner = owner
  }

  start(current: LogReplica, future: LogReplica): void {
    const name = nameOf(current)
    const move: Move = { future, stopped: false, wake: () => {}, ended: Promise.resolve() }
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
    move.stopped = true
    move.wake()
    await move.ended
  }

  async stopAll(): Promise<void> {
    const moves = [...this.#moves.values()]
    for (const move of moves) {
      move.stopped = true
      move.wake()
    }
    await Promise.all(moves.map((move) => move.ended))
  }

  async #run(current: LogReplica, future: LogReplica, move: Move): Promise<void> {
    const stopped = (): boolean => move.stopped || current.directory.isOffline || future.directory.isOffline
    const moreWritten = (): Promise<void> => new Promise((resolve) => (move.wake = resolve))
    try {
      for (;;) {
        await copyLog(current.log, future.log, moreWritten, stopped)
        if (stopped()) return
        if (current.log.latestEpoch > future.log.latestEpoch) await future.log.assignEpoch(current.log.latestEpoch)
        // What was flushed must stay so; the old log goes behind this.
        if (future.log.recoveryPoint < current.log.recoveryPoint) await future.log.flush()
        if (isCaughtUp(current.log, future.log)) break
      }
      if (stopped()) return
      future.log.setHighWatermark(current.log.highWatermark)
      this.#owner.swap(current, future)
      const { topic, partition } = future.log.topicPartition
      const to = `${parentOf(future.log.directory)}/${topicPartitionName(topic, partition)}`
      await future.log.renameDirectory(to, () => future.directory.syncEntries())
      await this.#owner.remove(current)
      this.#owner.logger.info(`Successfully replaced current log in ${current.directory.path} with ${to}`)
    } catch (error) {
      if (!stopped()) this.#owner.failed(current.directory.isOffline ? current : future, error)
    }
  }
}

function nameOf({ log: { topicPartition } }: LogReplica): string {
  return topicPartitionName(topicPartition.topic, topicPartition.partition)
}
