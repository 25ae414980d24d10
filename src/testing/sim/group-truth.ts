/**
 * What groups were told: generations go up, each has one leader and the assignment that it sent, a commit that was
 * acknowledged is what is fetched afterwards, and an older generation commits nothing any more.
 */
import type { Sim } from './sim.ts'

/** A static member that comes back has a new id in the same generation: its instance id with another UUID. */
function lasting(memberId: string): string {
  return memberId.startsWith('static-') ? memberId.slice(0, -36) : memberId
}

interface Commits {
  /** Acknowledged, oldest first. */
  acknowledged: number[]
  /** Sent, and not answered for certain: may take effect at any time. */
  readonly open: Set<number>
  /** A power loss may have taken the latest. */
  uncertain: boolean
}

interface Generation {
  leader: string
  readonly assignments: Map<string, string>
}

export class GroupTruth {
  readonly #sim: Sim
  readonly #commits = new Map<string, Commits>()
  readonly #generations = new Map<string, Generation>()
  readonly #joined = new Map<string, number>()
  readonly #synced = new Map<string, number>()

  constructor(sim: Sim) {
    this.#sim = sim
  }

  /** The highest generation whose assignment some member has. */
  syncedGeneration(group: string): number {
    return this.#synced.get(group) ?? 0
  }

  joined(group: string, generation: number, leader: string, incarnation: number, syncedBefore: number): void {
    this.#sim.check(
      generation >= syncedBefore,
      () => `group ${group}: a join gives generation ${generation}, ${syncedBefore} had its assignment before`,
    )
    const last = this.#joined.get(group) ?? 0
    if (generation > last) this.#sim.sometimes('rebalance')
    this.#joined.set(group, Math.max(last, generation))
    const key = `${group}/${generation}/${incarnation}`
    const known = this.#generations.get(key)
    if (known === undefined) this.#generations.set(key, { leader, assignments: new Map() })
    else {
      this.#sim.check(
        lasting(known.leader) === lasting(leader),
        () => `group ${group}: generation ${generation} has two leaders, ${known.leader} and ${leader}`,
      )
    }
  }

  /** The leader sends these. */
  assigned(group: string, generation: number, incarnation: number, assignments: ReadonlyMap<string, string>): void {
    const known = this.#generations.get(`${group}/${generation}/${incarnation}`)
    if (known === undefined) return
    for (const [member, assignment] of assignments) known.assignments.set(member, assignment)
  }

  synced(group: string, generation: number, incarnation: number, member: string, assignment: string): void {
    const known = this.#generations.get(`${group}/${generation}/${incarnation}`)
    this.#synced.set(group, Math.max(this.syncedGeneration(group), generation))
    // A static member that came back under a new id inherits what its old one was given.
    const sent = known?.assignments.get(member)
    if (sent === undefined) return
    this.#sim.check(
      sent === assignment || assignment === '',
      () => `group ${group}, generation ${generation}: ${member} is given '${assignment}', the leader sent '${sent}'`,
    )
  }

  committing(group: string, partition: string, offset: number): void {
    this.#of(group, partition).open.add(offset)
  }

  committed(group: string, partition: string, offset: number): void {
    const commits = this.#of(group, partition)
    commits.open.delete(offset)
    commits.acknowledged.push(offset)
    commits.uncertain = false
    this.#sim.sometimes('commit')
  }

  /** The answer was an error that means: not done. */
  refused(group: string, partition: string, offset: number): void {
    this.#of(group, partition).open.delete(offset)
    this.#sim.sometimes('commit refused')
  }

  /** Call before a fetch of offsets; the result judges its answer (-1: none). */
  expected(group: string, partition: string): (offset: number) => void {
    const commits = this.#of(group, partition)
    const at = Math.max(0, commits.acknowledged.length - 1)
    const before = new Set(commits.open)
    return (offset) => {
      if (commits.uncertain) return
      const latest = commits.acknowledged.slice(at)
      const fine =
        latest.includes(offset) ||
        before.has(offset) ||
        commits.open.has(offset) ||
        (latest.length === 0 && offset === -1)
      this.#sim.check(
        fine,
        () =>
          `group ${group}: ${offset} is fetched for ${partition}, committed ${latest.join(' ')}, open ${[...commits.open].join(' ')}`,
      )
    }
  }

  /** What was not synced is gone. */
  powerLost(): void {
    for (const commits of this.#commits.values()) commits.uncertain = true
    this.#joined.clear()
    this.#synced.clear()
    this.#generations.clear()
  }

  entries(): { group: string; partition: string }[] {
    return [...this.#commits.keys()].map((key) => {
      const [group = '', partition = ''] = key.split('/')
      return { group, partition }
    })
  }

  #of(group: string, partition: string): Commits {
    const key = `${group}/${partition}`
    const known = this.#commits.get(key) ?? { acknowledged: [], open: new Set(), uncertain: false }
    this.#commits.set(key, known)
    return known
  }
}
