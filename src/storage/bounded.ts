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

/** Side by side; rejects with the first error when all have ended, so that nothing still runs behind its caller. */
export function together(...tasks: readonly (() => Promise<void>)[]): Promise<void> {
  return forEachBounded(tasks, tasks.length, (task) => task())
}
