/**
 * What may happen to a few replicated partitions: brokers come and go, cleanly or not, ISRs shrink and grow, replicas move,
 * directories are lost, leaders are elected, settings change.
 */
import type { Uuid } from '../../../src/base/uuid.ts'
import { directoryId } from '../../../src/testing/decided-cluster.ts'
import type { SeededRandom } from '../../../src/testing/seeded-random.ts'
import { randomRequest, type Asked } from './asked.ts'

export const BROKERS = [11, 12, 13, 14] as const
/** The last of them has a second one. */
export const directoriesOf = (broker: number): readonly Uuid[] =>
  broker === BROKERS.at(-1) ? [directoryId(broker), directoryId(broker + 100)] : [directoryId(broker)]

/** Of topic `t`. */
export const ASSIGNMENT: readonly (readonly number[])[] = [
  [11, 12, 13],
  [12, 13, 14],
  [14, 11, 12],
  [13, 11, 14],
]

export type Step =
  | {
      readonly kind: 'dies' | 'fences itself' | 'is unfenced' | 'shuts down' | 'is unregistered'
      readonly broker: number
    }
  | { readonly kind: 'restarts'; readonly broker: number; readonly isClean: boolean }
  | { readonly kind: 'isr'; readonly partition: number; readonly members: readonly number[] }
  | { readonly kind: 'moves'; readonly partition: number; readonly replicas: readonly number[] | null }
  | { readonly kind: 'elects'; readonly partition: number; readonly type: number }
  | { readonly kind: 'directory'; readonly partition: number; readonly broker: number; readonly isLost: boolean }
  | { readonly kind: 'config'; readonly name: string; readonly value: string }
  | { readonly kind: 'asks'; readonly asked: Asked }
  | { readonly kind: 'fails' | 'cordons'; readonly broker: number; readonly directories: readonly Uuid[] }

export function randomStep(random: SeededRandom): Step {
  const one = <Item>(items: readonly Item[]): Item => items[random.below(items.length)] as Item
  const broker = one(BROKERS)
  const partition = random.below(ASSIGNMENT.length)
  const some = (): number[] => {
    const left: number[] = [...BROKERS]
    const count = 1 + random.below(left.length)
    return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0] ?? 0)
  }
  switch (random.below(24)) {
    case 16: {
      const others = directoriesOf(broker).slice(1)
      // A broker without any directory ends; until then Kafka writes that with every heartbeat.
      if (random.below(2) === 0) return { kind: 'fails', broker, directories: others }
      const directories = directoriesOf(broker).filter(() => random.below(2) === 0)
      return { kind: 'cordons', broker, directories }
    }
    case 17:
    case 18:
    case 19:
    case 20:
    case 21:
      return { kind: 'asks', asked: randomRequest(random, BROKERS) }
    case 0:
      return { kind: 'dies', broker }
    case 1:
      return { kind: 'fences itself', broker }
    case 2:
    case 3:
      return { kind: 'is unfenced', broker }
    case 4:
      return { kind: 'shuts down', broker }
    case 5:
    case 6:
      return { kind: 'restarts', broker, isClean: random.below(2) === 0 }
    case 7:
      return { kind: 'config', ...one(SETTINGS) }
    case 8:
      return { kind: 'directory', partition, broker, isLost: random.below(3) === 0 }
    case 9:
      return random.below(3) === 0
        ? { kind: 'is unregistered', broker }
        : { kind: 'elects', partition, type: random.below(2) }
    case 10:
    case 11:
      return { kind: 'moves', partition, replicas: random.below(5) === 0 ? null : some() }
    case 12:
      return { kind: 'isr', partition, members: some() }
    default:
      return { kind: 'isr', partition, members: BROKERS }
  }
}

const SETTINGS = [
  { name: 'min.insync.replicas', value: '1' },
  { name: 'min.insync.replicas', value: '2' },
  { name: 'min.insync.replicas', value: '3' },
  { name: 'unclean.leader.election.enable', value: 'true' },
  { name: 'unclean.leader.election.enable', value: 'false' },
  { name: 'unclean.leader.election.enable', value: 'false' },
]
