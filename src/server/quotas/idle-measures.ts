/**
 * A measure for everybody who is bounded, made when it is first needed and dropped when nobody has needed it for an hour, as Kafka's
 * sensors are.
 */
const IDLE_MS_MAX = 3_600_000
const SWEEP_MS = 60_000

interface Used<Measure> {
  readonly measure: Measure
  usedMs: number
}

export class IdleMeasures<Measure> {
  readonly #newMeasure: () => Measure
  readonly #used = new Map<string, Used<Measure>>()
  #sweptMs = -Infinity

  constructor(newMeasure: () => Measure) {
    this.#newMeasure = newMeasure
  }

  get count(): number {
    return this.#used.size
  }

  /** @param nowMs monotonic */
  of(key: string, nowMs: number): Measure {
    if (nowMs - this.#sweptMs >= SWEEP_MS) this.#sweep(nowMs)
    let used = this.#used.get(key)
    if (used === undefined) {
      used = { measure: this.#newMeasure(), usedMs: nowMs }
      this.#used.set(key, used)
    }
    used.usedMs = nowMs
    return used.measure
  }

  clear(): void {
    this.#used.clear()
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs
    for (const [key, { usedMs }] of this.#used) if (nowMs - usedMs >= IDLE_MS_MAX) this.#used.delete(key)
  }
}
