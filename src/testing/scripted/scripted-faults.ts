/** What may go wrong with Produce, drawn from a seed: which kinds this run has, and how often. */
import type { SeededRandom } from '../seeded-random.ts'
import type { ProduceFault } from './scripted-log.ts'

/** Asked for each request; null for most. None after `isOver`. */
export function produceFaults(choices: SeededRandom, isOver: () => boolean): () => ProduceFault | null {
  const rate = choices.below(100) / 250
  const kinds: (() => ProduceFault)[] = [
    () => ({ silent: true }),
    () => ({ hangUp: true }),
    () => ({ refuse: 'NOT_ENOUGH_REPLICAS' }),
    () => ({ refuse: 'KAFKA_STORAGE_ERROR' }),
    () => ({ answer: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' }),
    () => ({ answer: 'REQUEST_TIMED_OUT' }),
    () => ({ delayMs: choices.below(1500) }),
    () => ({ throttleMs: choices.below(500) }),
    () => ({ refuse: 'UNKNOWN_SERVER_ERROR' }),
    () => ({ refuse: 'CORRUPT_MESSAGE' }),
  ]
  const used = kinds.filter(() => choices.chance(0.5))
  return () => (isOver() || used.length === 0 || !choices.chance(rate) ? null : used[choices.below(used.length)]!())
}
