/**
 * What a simulation did, as a running hash and the last lines of it. Two runs of one seed have the same hash, or something
 * that is not in the World has decided.
 */
const TAIL_LINES = 200

export class SimTrace {
  events = 0
  #high = 0x811c9dc5
  #low = 0xcbf29ce4
  readonly #tail: { atUs: number; name: string; detail: number }[] = []

  /** `detail` is any number that tells one event from another: a length, a checksum. */
  record(atUs: number, name: string, detail: number): void {
    this.#mix(atUs % 2 ** 32)
    this.#mix(detail)
    for (let index = 0; index < name.length; index++) this.#mix(name.charCodeAt(index))
    this.#tail[this.events % TAIL_LINES] = { atUs, name, detail }
    this.events += 1
  }

  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0')
  }

  /** The last events, oldest first. */
  tail(lines = 20): string[] {
    const start = this.events % TAIL_LINES
    const all = [...this.#tail.slice(start), ...this.#tail.slice(0, start)]
    return all.slice(-lines).map(({ atUs, name, detail }) => `${(atUs / 1000).toFixed(3)} ms ${name} ${detail}`)
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193)
    this.#low = Math.imul((this.#low ^ value) + (this.#high >>> 7), 0x85ebca6b)
  }
}
