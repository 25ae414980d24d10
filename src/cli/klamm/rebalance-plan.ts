/**
 * How partitions are spread over brokers: as few replicas as possible move, so that every broker has as many as the others, give or
 * take one, and leads as many; replicas of a partition lie in as many racks as can be. Brokers that are to go, or are gone, keep
 * nothing. Without wishes of its own the plan of a spread cluster is empty, so that it can be made again.
 */
export interface SpreadBroker {
  readonly id: number
  readonly rack: string | null
}

export interface SpreadPartition {
  readonly topic: string
  readonly partition: number
  /** The first one is to lead. */
  readonly replicas: readonly number[]
}

/** A partition has this many replicas, and there are not so many brokers. */
export class TooFewBrokers extends Error {
  readonly of: SpreadPartition

  constructor(of: SpreadPartition) {
    super(`${of.topic}-${of.partition} has ${of.replicas.length} replica${of.replicas.length === 1 ? '' : 's'}`)
    this.of = of
  }
}

interface Open extends SpreadPartition {
  readonly replicas: number[]
}

/** What changes, in the order of `partitions`. @throws TooFewBrokers */
export function rebalancePlan(
  brokers: readonly SpreadBroker[],
  partitions: readonly SpreadPartition[],
): SpreadPartition[] {
  const open = partitions.map(({ topic, partition, replicas }) => ({ topic, partition, replicas: [...replicas] }))
  for (const one of open) if (one.replicas.length > brokers.length) throw new TooFewBrokers(one)
  const spread = new Spread(brokers, open)
  spread.replaceTheGone()
  spread.separateRacks()
  spread.evenReplicas()
  spread.evenLeaders()
  return open.filter(({ replicas }, index) => replicas.join() !== partitions[index]?.replicas.join())
}

class Spread {
  readonly #partitions: readonly Open[]
  readonly #rackOf: ReadonlyMap<number, string>
  /** Replicas that each broker has; the brokers that may have any. */
  readonly #load = new Map<number, number>()
  readonly #leads = new Map<number, number>()
  /** Where a broker has replicas. */
  readonly #on = new Map<number, Set<Open>>()

  constructor(brokers: readonly SpreadBroker[], partitions: readonly Open[]) {
    this.#partitions = partitions
    // A broker without a rack is a rack of its own.
    this.#rackOf = new Map(brokers.map(({ id, rack }) => [id, rack === null ? `broker ${id}` : `rack ${rack}`]))
    for (const { id } of [...brokers].sort((one, other) => one.id - other.id)) {
      this.#load.set(id, 0)
      this.#leads.set(id, 0)
      this.#on.set(id, new Set())
    }
    for (const one of partitions) {
      for (const id of one.replicas) {
        if (!this.#load.has(id)) continue
        this.#load.set(id, (this.#load.get(id) ?? 0) + 1)
        this.#on.get(id)?.add(one)
      }
    }
  }

  replaceTheGone(): void {
    for (const one of this.#partitions) {
      for (const id of one.replicas.filter((replica) => !this.#load.has(replica))) {
        const heir = this.#byLoad().find((candidate) => this.#mayTake(one, id, candidate)) ?? this.#anyFor(one)
        if (heir !== undefined) this.#move(one, id, heir)
      }
    }
  }

  /** Where two replicas share a rack, and another rack has none. */
  separateRacks(): void {
    for (const one of this.#partitions) {
      for (const [index, id] of one.replicas.entries()) {
        const shares = one.replicas.some((other, at) => at < index && this.#rackOf.get(other) === this.#rackOf.get(id))
        if (!shares) continue
        const racks = new Set(one.replicas.map((replica) => this.#rackOf.get(replica)))
        const free = this.#byLoad().find((candidate) => !racks.has(this.#rackOf.get(candidate)))
        if (free !== undefined) this.#move(one, id, free)
      }
    }
  }

  /** From who has most to who has least, as long as they differ by more than one. */
  evenReplicas(): void {
    while (this.#evenOne());
  }

  #evenOne(): boolean {
    const brokers = this.#byLoad()
    for (const from of brokers.toReversed()) {
      for (const to of brokers) {
        if ((this.#load.get(from) ?? 0) - (this.#load.get(to) ?? 0) < 2) break
        for (const one of this.#on.get(from) ?? []) {
          if (!this.#mayTake(one, from, to)) continue
          this.#move(one, from, to)
          return true
        }
      }
    }
    return false
  }

  /** Another replica of the same partition leads instead, directly or by way of others, where one leads two more than another. */
  evenLeaders(): void {
    for (const { replicas } of this.#partitions) this.#countLeader(replicas[0], 1)
    while (this.#evenOneLeader());
  }

  #evenOneLeader(): boolean {
    const order = [...this.#leads.keys()].sort((one, other) => this.#leadsOf(other) - this.#leadsOf(one) || one - other)
    for (const from of order) {
      const path = this.#pathToFewer(from)
      if (path === null) continue
      for (const { one, to } of path) {
        const [first] = one.replicas
        this.#countLeader(first, -1)
        this.#countLeader(to, 1)
        one.replicas.splice(one.replicas.indexOf(to), 1)
        one.replicas.unshift(to)
      }
      return true
    }
    return false
  }

  /** Leaderships that are passed on, each to the broker that passes on the next; the last one leads two fewer than `from`. */
  #pathToFewer(from: number): { one: Open; to: number }[] | null {
    const led = new Map<number, Open[]>()
    for (const one of this.#partitions) {
      const [leader = -1] = one.replicas
      const ofLeader = led.get(leader)
      if (ofLeader === undefined) led.set(leader, [one])
      else ofLeader.push(one)
    }
    const reached = new Map<number, { one: Open; to: number; before: number } | null>([[from, null]])
    for (const broker of reached.keys()) {
      for (const one of led.get(broker) ?? []) {
        for (const to of one.replicas) {
          if (reached.has(to)) continue
          reached.set(to, { one, to, before: broker })
          if (this.#leadsOf(from) - this.#leadsOf(to) >= 2) return pathTo(reached, to)
        }
      }
    }
    return null
  }

  /** Whether the replica may go there without two sharing a rack that didn't. */
  #mayTake(one: Open, from: number, to: number): boolean {
    if (one.replicas.includes(to)) return false
    const others = one.replicas.filter((id) => id !== from).map((id) => this.#rackOf.get(id))
    const shares = (id: number): boolean => others.includes(this.#rackOf.get(id))
    return !shares(to) || shares(from)
  }

  #anyFor(one: Open): number | undefined {
    return this.#byLoad().find((candidate) => !one.replicas.includes(candidate))
  }

  #move(one: Open, from: number, to: number): void {
    one.replicas[one.replicas.indexOf(from)] = to
    if (this.#load.has(from)) this.#load.set(from, (this.#load.get(from) ?? 0) - 1)
    this.#load.set(to, (this.#load.get(to) ?? 0) + 1)
    this.#on.get(from)?.delete(one)
    this.#on.get(to)?.add(one)
  }

  /** Fewest replicas first. */
  #byLoad(): number[] {
    return [...this.#load].sort(([one, few], [other, many]) => few - many || one - other).map(([id]) => id)
  }

  #leadsOf(id: number): number {
    return this.#leads.get(id) ?? 0
  }

  #countLeader(id: number | undefined, change: number): void {
    if (id !== undefined) this.#leads.set(id, this.#leadsOf(id) + change)
  }
}

function pathTo(
  reached: ReadonlyMap<number, { one: Open; to: number; before: number } | null>,
  end: number,
): { one: Open; to: number }[] {
  const path: { one: Open; to: number }[] = []
  for (let step = reached.get(end); step !== null && step !== undefined; step = reached.get(step.before)) {
    path.unshift({ one: step.one, to: step.to })
  }
  return path
}
