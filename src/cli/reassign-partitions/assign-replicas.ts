/**
 * Where replicas would go, as Kafka's AdminUtils proposes it: leaders round the brokers, followers shifted, with racks taken
 * in turn. Begins at random places.
 */
import { OperationalError } from '../../base/errors.ts'
import type { Random } from '../../world/world.ts'

export interface BrokerPlace {
  readonly id: number
  readonly rack: string | null
}

/** Replicas of each partition. @throws OperationalError if there are too few brokers. */
export function assignReplicas(
  brokers: readonly BrokerPlace[],
  partitions: number,
  replicationFactor: number,
  random: Random,
): number[][] {
  if (replicationFactor > brokers.length) {
    throw new OperationalError(
      'CONFIG_INVALID',
      `Replication factor: ${replicationFactor} larger than available brokers: ${brokers.length}.`,
    )
  }
  const rackOf = new Map(brokers.map(({ id, rack }) => [id, rack]))
  const isAware = brokers.every(({ rack }) => rack !== null)
  const ring = isAware ? rackAlternated(brokers) : brokers.map(({ id }) => id)
  const racks = isAware ? new Set(rackOf.values()).size : 1
  const start = random.below(ring.length)
  let shift = random.below(ring.length)
  return Array.from({ length: partitions }, (_, partition) => {
    if (partition > 0 && partition % ring.length === 0) shift++
    const first = (partition + start) % ring.length
    const replicas = [ring[first]!]
    const usedRacks = new Set([rackOf.get(replicas[0]!)])
    for (let step = 0; replicas.length < replicationFactor; step++) {
      const broker = ring[follower(first, shift * racks, step, ring.length)]!
      const isNewRack = !isAware || !usedRacks.has(rackOf.get(broker)) || usedRacks.size === racks
      if (!isNewRack || replicas.includes(broker)) continue
      replicas.push(broker)
      usedRacks.add(rackOf.get(broker))
    }
    return replicas
  })
}

function follower(first: number, shift: number, step: number, brokers: number): number {
  return (first + 1 + ((shift + step) % (brokers - 1))) % brokers
}

/** One broker of each rack, then the next of each. */
function rackAlternated(brokers: readonly BrokerPlace[]): number[] {
  const racks = new Map<string, number[]>()
  for (const { id, rack } of [...brokers].sort((one, other) => one.id - other.id)) {
    racks.set(rack ?? '', [...(racks.get(rack ?? '') ?? []), id])
  }
  const lists = [...racks].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, ids]) => ids)
  const result: number[] = []
  for (let round = 0; result.length < brokers.length; round++) {
    for (const ids of lists) if (ids[round] !== undefined) result.push(ids[round]!)
  }
  return result
}
