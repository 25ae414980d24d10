/**
 * Where the replicas of new partitions go: striped over racks, then over the brokers of a rack (KIP-36, as Kafka's
 * StripedReplicaPlacer). Rack evenness ranks above broker evenness; fenced brokers are taken only when a rack has no
 * other left for the partition; the first replica is never fenced. Lists begin at random places, so that small topics do
 * not all land on the first broker.
 */
import { KafkaError } from '../base/errors.ts'
import type { BrokerImage } from '../metadata/cluster-image.ts'
import type { Random } from '../world/world.ts'

/** Replica lists of `partitions` new partitions. @throws KafkaError INVALID_REPLICATION_FACTOR */
export function placeReplicas(
  brokers: readonly BrokerImage[],
  partitions: number,
  replicationFactor: number,
  random: Random,
): number[][] {
  // A broker whose directories are all cordoned takes nothing new (KIP-1066), nor does one that is about to go.
  const usable = brokers.filter((broker) => !allCordoned(broker) && (broker.fenced || !broker.inControlledShutdown))
  const unfenced = usable.filter((broker) => !broker.fenced).length
  if (replicationFactor > usable.length) {
    throw unplaceable(
      replicationFactor,
      `The target replication factor of ${replicationFactor} cannot be reached because only ${usable.length} broker(s) are registered or some brokers have all their log directories cordoned.`,
    )
  }
  if (unfenced === 0)
    throw unplaceable(
      replicationFactor,
      'All brokers are currently fenced, or have all their log directories cordoned.',
    )
  const racks = new Racks(usable, random)
  const lists: number[][] = []
  for (let partition = 0; partition < partitions; partition++) lists.push(racks.place(replicationFactor, unfenced))
  return lists
}

function allCordoned({ directories, cordonedDirectories }: BrokerImage): boolean {
  if (cordonedDirectories === null || directories.length === 0) return false
  return directories.every((directory) => cordonedDirectories.includes(directory))
}

function unplaceable(replicationFactor: number, reason: string): KafkaError {
  const detail = `Unable to replicate the partition ${replicationFactor} time(s): ${reason}`
  return new KafkaError('INVALID_REPLICATION_FACTOR', detail)
}

class Racks {
  readonly #racks: readonly Rack[]
  readonly #random: Random
  /** The rack that the next partition begins with. */
  #offset: number
  /** Partitions placed since the last shuffle. */
  #round = 0

  constructor(brokers: readonly BrokerImage[], random: Random) {
    const byName = new Map<string, BrokerImage[]>()
    for (const broker of brokers) {
      const name = broker.rack ?? ''
      byName.set(name, [...(byName.get(name) ?? []), broker])
    }
    const names = [...byName.keys()].sort()
    this.#racks = names.map((name) => new Rack(byName.get(name) ?? [], random))
    this.#random = random
    this.#offset = random.below(names.length)
  }

  place(replicationFactor: number, unfenced: number): number[] {
    const racks = this.#racks
    if (this.#round === unfenced) {
      // As many partitions as brokers: begin elsewhere, so as not to repeat the same lists.
      this.#round = 0
      this.#offset = this.#random.below(racks.length)
      for (const rack of racks) rack.restart(this.#random)
    }
    const start = this.#offset
    let index = start
    let leader = racks[index]?.nextUnfenced(this.#round) ?? -1
    while (leader < 0) {
      index = (index + 1) % racks.length
      leader = racks[index]?.nextUnfenced(this.#round) ?? -1
    }
    const leaderRack = index
    const replicas = [leader]
    for (let step = 0; replicas.length < replicationFactor; step++) {
      const rack = (start + step) % racks.length
      // The leader's rack has had its turn in the first round.
      if (step < racks.length && rack === leaderRack) continue
      const replica = racks[rack]?.next(this.#round) ?? -1
      if (replica >= 0) replicas.push(replica)
    }
    this.#offset = (start + 1) % racks.length
    this.#round += 1
    return replicas
  }
}

class Rack {
  readonly #unfenced: Rotation
  readonly #fenced: Rotation

  constructor(brokers: readonly BrokerImage[], random: Random) {
    const ids = (fenced: boolean): number[] =>
      brokers.filter((broker) => broker.fenced === fenced).map((broker) => broker.id)
    this.#unfenced = new Rotation(ids(false), random)
    this.#fenced = new Rotation(ids(true), random)
  }

  restart(random: Random): void {
    this.#unfenced.restart(random)
    this.#fenced.restart(random)
  }

  /** -1: every unfenced broker has this partition. */
  nextUnfenced(round: number): number {
    return this.#unfenced.next(round)
  }

  next(round: number): number {
    const broker = this.#unfenced.next(round)
    return broker >= 0 ? broker : this.#fenced.next(round)
  }
}

/** Brokers in turn, each once a partition, beginning one further with each partition. */
class Rotation {
  readonly #brokers: readonly number[]
  #offset = 0
  #taken = 0
  #round = 0

  constructor(brokers: number[], random: Random) {
    this.#brokers = brokers.sort((left, right) => left - right)
    this.restart(random)
  }

  restart(random: Random): void {
    this.#offset = this.#brokers.length === 0 ? 0 : random.below(this.#brokers.length)
    this.#taken = 0
    this.#round = 0
  }

  next(round: number): number {
    if (round !== this.#round) {
      this.#round = round
      this.#taken = 0
      this.#offset += 1
    }
    if (this.#taken >= this.#brokers.length) return -1
    const broker = this.#brokers[(this.#offset + this.#taken) % this.#brokers.length]
    this.#taken += 1
    return broker ?? -1
  }
}
