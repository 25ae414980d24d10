/** What is done to one partition's directories is done one after the other; different partitions do not wait. */
export class NameLocks {
  readonly #held = new Map<string, Promise<unknown>>()

  isHeld(name: string): boolean {
    return this.#held.has(name)
  }

  /** The holder has ended, well or not. Look again afterwards: another one may have been faster. */
  async released(name: string): Promise<void> {
    await this.#held.get(name)?.catch(() => undefined)
  }

  /** Holds the name, which must be free, while `work` is under way. */
  async hold<T>(name: string, work: Promise<T>): Promise<T> {
    this.#held.set(name, work)
    try {
      return await work
    } finally {
      if (this.#held.get(name) === work) this.#held.delete(name)
    }
  }

  async allReleased(): Promise<void> {
    await Promise.all([...this.#held.values()].map((work) => work.catch(() => undefined)))
  }
}
