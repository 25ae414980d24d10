/**
 * A scenario of consensus as text: commands to a small quorum and what came of each. Test and documentation at once, one
 * scenario per file (after the data-driven tests of etcd/raft). Everything takes a fixed time here, and of several voters
 * the one with the lowest id is always the first to lose patience, so that the same commands do the same.
 *
 * A file is blocks of commands, `----`, and their output up to an empty line. Lines that begin with `#` are prose.
 *
 *     voters 1 2 3 | dynamic 1 2 3     the first line: static (kraft.version 0) or in the log (1); `spares 4`, `observers 101`
 *     start 1 2                        processes start
 *     run 3000                         time passes, in milliseconds
 *     propose 1 a b                    the leader's state machine writes
 *     crash 1 | power 1                the process dies; with the power, what isn't synced is lost too
 *     cut 1 2 | cut 1 | heal           no message between two nodes, or between one and all; all links work again
 *     disk 1 500                       each write of that node takes so long
 *     snapshot 1                       of what is committed; the log before the last one but one goes
 *     resign 1 | shutdown 1 | add 4 | remove 2
 *     upgrade                          the leader raises kraft.version to 1
 *     status                           a line per node
 */
import type { RaftOutput } from '../../raft/raft-io.ts'
import { SeededRandom } from '../seeded-random.ts'
import { RaftCluster, directoryOf, voter } from './raft-cluster.ts'
import { contentOf, type Replica } from './replica.ts'

const LATENCY_MS = 2
/** Nodes differ in their patience by this part of what chance may add. */
const TURNS = 8

export class RaftScenario {
  #cluster: RaftCluster | null = null
  #voters: number[] = []
  #dynamic = false
  #spares: number[] = []
  #observers: number[] = []
  readonly #diskMs = new Map<number, number>()
  readonly #roles = new Map<number, string>()
  readonly #committed = new Map<number, number>()
  #lines: string[] = []

  /** Runs a block; returns its output. */
  run(commands: readonly string[]): string[] {
    this.#lines = []
    for (const command of commands) {
      const [name = '', ...words] = command.trim().split(/\s+/)
      this.#command(name, words)
    }
    return this.#lines
  }

  #command(name: string, words: readonly string[]): void {
    const ids = words.map(Number)
    switch (name) {
      case 'voters':
      case 'dynamic':
        this.#voters = ids
        this.#dynamic = name === 'dynamic'
        return
      case 'spares':
        this.#spares = ids
        return
      case 'observers':
        this.#observers = ids
        return
      case 'start':
        return ids.forEach((id) => this.#replica(id).start())
      case 'run':
        this.#all.run(ids[0] ?? 0)
        return
      case 'propose':
        return words.slice(1).forEach((text) => {
          if (!this.#replica(ids[0]!).propose(Buffer.from(text))) this.#say(`node ${ids[0]} does not lead`)
        })
      case 'crash':
        return ids.forEach((id) => this.#replica(id).stop())
      case 'power':
        return ids.forEach((id) => this.#losePower(this.#replica(id)))
      case 'cut':
        return this.#cut(ids)
      case 'heal':
        return this.#all.cut.clear()
      case 'disk':
        this.#diskMs.set(ids[0]!, ids[1]!)
        return
      case 'snapshot':
        return ids.forEach((id) => {
          if (!this.#replica(id).takeSnapshot()) this.#say(`node ${id} has nothing new for a snapshot`)
        })
      case 'resign':
        return ids.forEach((id) => this.#replica(id).step({ kind: 'resign', epoch: this.#replica(id).raft!.epoch }))
      case 'shutdown':
        return ids.forEach((id) => this.#replica(id).step({ kind: 'shutdown' }))
      case 'add':
      case 'remove':
        return ids.forEach((id) => this.#change(name, id))
      case 'upgrade':
        return this.#upgrade()
      case 'status':
        return this.#all.replicas.forEach((replica) => this.#status(replica))
      default:
        throw new Error(`there is no command ${name}`)
    }
  }

  get #all(): RaftCluster {
    this.#cluster ??= new RaftCluster({
      random: new SeededRandom(1),
      voters: this.#voters,
      spares: this.#spares,
      observers: this.#observers,
      kraftVersion: this.#dynamic ? 1 : 0,
      neglect: { saveLater: false, countUnsynced: false },
      latencyMs: () => LATENCY_MS,
      diskMs: (id) => this.#diskMs.get(id) ?? 0,
      electionMs: (id, bound) => Math.min(bound - 1, Math.floor(((id - 1) * bound) / TURNS)),
      onOutput: (replica, output) => this.#note(replica, output),
    })
    return this.#cluster
  }

  #replica(id: number): Replica {
    return this.#all.replica(id)
  }

  #cut(ids: readonly number[]): void {
    const [one = 0, other] = ids
    const others = other === undefined ? this.#all.replicas.map(({ id }) => id).filter((id) => id !== one) : [other]
    for (const id of others) this.#all.cut.add(`${one} ${id}`).add(`${id} ${one}`)
  }

  #losePower(replica: Replica): void {
    replica.stop()
    const lost = replica.disk.losePower({ below: () => 0 })
    this.#say(`node ${replica.id} loses ${lost} entries`)
  }

  #change(name: 'add' | 'remove', id: number): void {
    const { leader } = this.#all
    if (leader === null) return this.#say('nobody leads')
    const key = { id, directoryId: directoryOf(id) }
    const { endpoints } = voter(id, key.directoryId)
    const request =
      name === 'add'
        ? ({ kind: 'addVoter', voter: key, endpoints, ackWhenCommitted: true } as const)
        : ({ kind: 'removeVoter', voter: key } as const)
    leader.receive(request, (answer) => {
      if (answer.kind === 'addVoter' || answer.kind === 'removeVoter') {
        this.#say(`${name} ${id}: ${answer.error}${answer.message === null ? '' : ` (${answer.message})`}`)
      }
    })
  }

  #upgrade(): void {
    const { leader } = this.#all
    if (leader === null) return this.#say('nobody leads')
    const obstacle = leader.raft!.upgradeObstacle(1)
    if (obstacle !== null) return this.#say(`upgrade: ${obstacle}`)
    leader.step({ kind: 'upgraded', kraftVersion: 1 })
  }

  #note(replica: Replica, output: RaftOutput): void {
    const { id } = replica
    const raft = replica.raft!
    const { leaderId } = raft.leader
    const whose = raft.role === 'follower' || raft.role === 'prospective' ? (leaderId < 0 ? '' : ` of ${leaderId}`) : ''
    const role = `${raft.role}${whose} in epoch ${raft.epoch}`
    if (this.#roles.get(id) !== role) this.#say(`node ${id} is ${role}`)
    this.#roles.set(id, role)
    if (output.truncateTo !== null) this.#say(`node ${id} cuts its log at ${output.truncateTo}`)
    if (output.install !== null) this.#say(`node ${id} starts over behind snapshot ${output.install.endOffset}`)
    for (const entry of output.append) {
      const ids = entry.voters?.voters?.map((one) => one.id).join(' ')
      if (ids !== undefined) this.#say(`node ${id} appends voters ${ids} at ${entry.endOffset - 1}`)
    }
    const committed = this.#committed.get(id) ?? 0
    if (output.committedTo > committed) this.#say(`node ${id} commits to ${output.committedTo}`)
    this.#committed.set(id, output.committedTo)
    for (const what of output.complaints) this.#say(`node ${id} complains: ${what}`)
  }

  #status({ id, raft, disk }: Replica): void {
    const log = `[${disk.entries.map((entry) => `${entry.baseOffset}=${contentOf(entry)}`).join(' ')}]`
    if (raft === null) return this.#say(`node ${id}: down, log ${log}`)
    const { epoch, role, committedTo, voterSet } = raft
    const level = this.#dynamic || voterSet.kraftVersion === 0 ? '' : `kraft.version ${voterSet.kraftVersion}, `
    const start = disk.startOffset
    this.#say(`node ${id}: ${role} in epoch ${epoch}, ${level}committed ${committedTo}, log from ${start} ${log}`)
  }

  #say(line: string): void {
    this.#lines.push(`${String(this.#cluster?.nowMs ?? 0).padStart(6)}  ${line}`)
  }
}

/** The blocks of a file with the output that each has now, as the file would say it. */
export function rerunScenario(text: string): string {
  const scenario = new RaftScenario()
  const out: string[] = []
  let commands: string[] = []
  let isOutput = false
  for (const line of text.split('\n')) {
    if (isOutput) {
      if (line.trim() !== '') continue
      isOutput = false
      out.push('')
    } else if (line.startsWith('#') || line.trim() === '') out.push(line)
    else if (line === '----') {
      out.push(...commands, '----', ...scenario.run(commands))
      commands = []
      isOutput = true
    } else commands.push(line)
  }
  return out.join('\n')
}
