/**
 * Work over very many items in slices: between two of them the loop serves others. For handlers whose answer does not depend
 * on being made in one turn; what they read must be taken before (an image never changes).
 */
import { nextTurn } from '../world/next-turn.ts'
import type { Clock } from '../world/world.ts'

/** Items of about 10 microseconds each between two turns. */
export const SLICE_ITEMS = 1000

/** In one turn, and without a promise, while there are few. */
export function mapInSlices<Item, Result>(
  clock: Pick<Clock, 'soon'>,
  items: readonly Item[],
  map: (item: Item) => Result,
  sliceItems = SLICE_ITEMS,
): Result[] | Promise<Result[]> {
  return items.length <= sliceItems ? items.map(map) : mapMany(clock, items, map, sliceItems)
}

async function mapMany<Item, Result>(
  clock: Pick<Clock, 'soon'>,
  items: readonly Item[],
  map: (item: Item) => Result,
  sliceItems: number,
): Promise<Result[]> {
  const results: Result[] = []
  for (const [at, item] of items.entries()) {
    if (at > 0 && at % sliceItems === 0) await nextTurn(clock)
    results.push(map(item))
  }
  return results
}
