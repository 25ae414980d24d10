/**
 * What must hold after each event: no end of a log passes the next one, and none of them goes back while the process lives.
 */
import type { PartitionLog } from '../../../storage/partition-log.ts'
import type { Inside } from '../../../server/node-options.ts'
import type { Sim } from '../sim.ts'

interface Ends {
  highWatermark: number
  startOffset: number
  segments: number
}

/** Partitions are looked at in turn, so many after each event. */
const PER_EVENT = 2

export class AlwaysChecker {
  readonly #sim: Sim
  #inside: Inside | null = null
  #logs: { readonly name: string; readonly log: PartitionLog }[] = []
  #next = 0
  #seen = new Map<PartitionLog, Ends>()

  constructor(sim: Sim) {
    this.#sim = sim
  }

  check(): void {
    const { inside } = this.#sim.broker
    if (inside !== this.#inside) {
      this.#inside = inside
      this.#seen = new Map()
      this.#logs = []
      this.#next = 0
    }
    if (inside === null) return
    for (let at = 0; at < PER_EVENT; at++) {
      if (this.#next >= this.#logs.length) {
        this.#next = 0
        this.#logs = []
        for (const { name, log } of inside.services.replicas.partitions())
          if (log !== null) this.#logs.push({ name, log })
      }
      const one = this.#logs[this.#next++]
      if (one !== undefined) this.#checkLog(one.name, one.log)
    }
  }

  #checkLog(name: string, log: PartitionLog): void {
    const { startOffset, highWatermark, writtenEnd, assignedEnd, recoveryPoint, segmentCount } = log
    const seen = this.#seen.get(log)
    const holds =
      startOffset <= highWatermark &&
      highWatermark <= writtenEnd &&
      writtenEnd <= assignedEnd &&
      recoveryPoint <= writtenEnd &&
      log.lastStableOffset <= highWatermark &&
      (seen === undefined || (highWatermark >= seen.highWatermark && startOffset >= seen.startOffset))
    if (!holds) {
      const before = seen === undefined ? '' : `, before ${seen.startOffset} and ${seen.highWatermark}`
      this.#sim.check(
        false,
        () =>
          `${name}: start ${startOffset}, high watermark ${highWatermark}, written ${writtenEnd}, assigned ${assignedEnd}, recovery point ${recoveryPoint}${before}`,
      )
    }
    if (seen === undefined) {
      this.#seen.set(log, { highWatermark, startOffset, segments: segmentCount })
      return
    }
    if (segmentCount > seen.segments) {
      this.#sim.sometimes('roll')
      if (log.config.segmentIndexBytes < 1000) this.#sim.sometimes('roll with small indexes')
    }
    if (startOffset > seen.startOffset && log.config.delete && segmentCount < seen.segments) {
      this.#sim.sometimes('retention moved the log start')
    }
    seen.highWatermark = highWatermark
    seen.startOffset = startOffset
    seen.segments = segmentCount
  }
}
