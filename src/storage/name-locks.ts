/** What is done to one partition's directories is done one after the other; different partitions do not wait. */
export class NameLocks {
  readonly #held = new Map<string, Promise<unknown>>()

  /** Runs `work` as soon as nobody holds the name, and holds it until it ends, well or not. */
  async hold<T>(name: string, work: () => Promise<T>): Promise<T> {
    // Look again afterwards: another one may have been faster.
    while (this.#held.has(name)) await this.#held.get(name)?.catch(() => undefined)
    const running = work()
    this.#held.set(name, running)
    try {
      return await running
    } finally {
      if (this.#held.get(name) === running) this.#held.delete(name)
    }
  }

  async allReleased(): Promise<void> {
    await Promise.all([...this.#held.values()].map((work) => work.catch(() => undefined)))
  }
}
