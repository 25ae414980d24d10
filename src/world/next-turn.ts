/** Gives the loop away: what is ready runs first. For work over very many items. */
import type { Clock } from './world.ts'

export function nextTurn(clock: Pick<Clock, 'soon'>): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve))
}
