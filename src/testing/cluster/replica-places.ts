/**
 * In which log directory each replica must lie at rest: no move is left under way, and it lies where its operator was last told
 * that it goes (directory-moves.ts).
 *
 * He can't be sure of what was not answered, nor of what a power loss or a broken directory took, nor of a replica that went to
 * another broker.
 */
import type { ClusterSim } from './cluster-sim.ts'

interface Place {
  readonly topic: string
  readonly partition: number
  readonly nodeId: number
  /** Null: not sure. */
  directory: string | null
}

export class ReplicaPlaces {
  readonly #sim: ClusterSim
  readonly #places = new Map<string, Place>()

  constructor(sim: ClusterSim) {
    this.#sim = sim
  }

  of(topic: string, partition: number, nodeId: number): Place {
    const name = `${topic}-${partition} at ${nodeId}`
    const known = this.#places.get(name) ?? { topic, partition, nodeId, directory: null }
    this.#places.set(name, known)
    return known
  }

  forgetNode(id: number): void {
    for (const place of this.#places.values()) if (place.nodeId === id) place.directory = null
  }

  forgetPartition(topic: string, partition: number): void {
    for (const place of this.#places.values())
      if (place.topic === topic && place.partition === partition) place.directory = null
  }

  /** At rest; moves that go on have so long. */
  async check(withinMs: number): Promise<void> {
    const sim: ClusterSim = this.#sim
    const underWay = (): string | undefined => {
      for (const { inside, name } of sim.brokers) {
        for (const { topic, partition } of sim.partitions) {
          if (inside !== null && inside.services.logs.future(topic, partition) !== null)
            return `${topic}-${partition} at ${name}`
        }
      }
      return undefined
    }
    const isOver = await sim.waitFor(() => underWay() === undefined, withinMs)
    sim.check(isOver, () => `still on its way between directories: ${underWay()}`)
    for (const [name, { topic, partition, nodeId, directory }] of this.#places) {
      const logs = sim.nodes.find(({ id }) => id === nodeId)?.inside?.services.logs
      const found = logs?.directoryOf(topic, partition)?.path
      if (directory === null || found === undefined) continue
      sim.check(found === directory, () => `${name} was to go to ${directory}, and is in ${found}`)
    }
  }
}
