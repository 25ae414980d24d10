/**
 * What a simulation did, as a running hash and the last lines of it. Two runs of one seed have the same hash, or something
 * that is not in the World has decided.
 */
const TAIL_LINES = 200

export class SimTrace {
  events = 0
  #high = 0x811c9dc5
  #low = 0xcbf29ce4
  /** Of the last events, by their number modulo TAIL_LINES. */
  readonly #times: number[] = []
  readonly #names: string[] = []
  readonly #details: number[] = []

  /** `detail` is any number that tells one event from another: a length, a checksum. */
  record(atUs: number, name: string, detail: number): void {
    let high = this.#high
    let low = this.#low
    // One mixing for all, written out: it runs for every character of every event.
    for (let index = -2; index < name.length; index++) {
      const value = index >= 0 ? name.charCodeAt(index) : index === -2 ? atUs % 2 ** 32 : detail
      high = Math.imul(high ^ value, 0x01000193)
      low = Math.imul((low ^ value) + (high >>> 7), 0x85ebca6b)
    }
    this.#high = high
    this.#low = low
    const at = this.events++ % TAIL_LINES
    this.#times[at] = atUs
    this.#names[at] = name
    this.#details[at] = detail
  }

  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0')
  }

  /** The last events, oldest first. */
  tail(lines = 20): string[] {
    const told: string[] = []
    for (let event = Math.max(0, this.events - Math.min(lines, TAIL_LINES)); event < this.events; event++) {
      const at = event % TAIL_LINES
      told.push(`${((this.#times[at] ?? 0) / 1000).toFixed(3)} ms ${this.#names[at]} ${this.#details[at]}`)
    }
    return told
  }
}
