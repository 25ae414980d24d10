/** Runs async work over many items with a bound on how much of it is under way at once. */

/** After an error no new item is begun; rejects with the first one when what was begun has ended. */
export async function forEachBounded<Item>(
  items: readonly Item[],
  inFlightMax: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0
  let failed = false
  let failure: unknown
  const worker = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const item = items[next++]
      if (item === undefined) continue
      try {
        await work(item)
      } catch (error) {
        if (!failed) failure = error
        failed = true
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(inFlightMax, items.length) }, worker))
  if (failed) throw failure
}

/** Lets at most `max` pieces of work run at once, in the order of asking. */
export class Turns {
  readonly #max: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(max: number) {
    this.#max = max
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#max) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      return await work()
    } finally {
      // The place goes from hand to hand.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}

/** Side by side; rejects with the first error when all have ended, so that nothing still runs behind its caller. */
export function together(...tasks: readonly (() => Promise<void>)[]): Promise<void> {
  return forEachBounded(tasks, tasks.length, (task) => task())
}
