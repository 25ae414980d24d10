/**
 * One node of a simulated cluster and its machine: formats it, keeps a process running on it, and ends that process by
 * request. Real nodes as `klamm start` runs them, but for the World.
 */
import type { Logger } from '../../base/logger.ts'
import { parseUuid, type Uuid } from '../../base/uuid.ts'
import { parseBrokerConfig } from '../../config/parse-broker-config.ts'
import { bootstrapValues } from '../../metadata/bootstrap.ts'
import { ELR_VERSION, METADATA_VERSION_LATEST, newClusterFeatures } from '../../metadata/features.ts'
import { formatDirectory } from '../../quorum/format.ts'
import type { Quorum } from '../../quorum/quorum.ts'
import { KRAFT_VERSIONS, type VoterEndpoint } from '../../raft/voters.ts'
import { startControllerNode } from '../../server/controller-node.ts'
import type { Node } from '../../server/node-life.ts'
import type { Inside } from '../../server/node-options.ts'
import { startNode } from '../../server/node.ts'
import type { SeededNode } from '../seeded-node.ts'
import type { ClusterSim } from './cluster-sim.ts'
import type { Counter } from './counters.ts'
import { BROKER_PORT, CONTROLLER_PORT, LOG_DIRECTORIES, type NodeSettings, type Role } from './settings.ts'

export type Ending = 'crash' | 'power loss' | 'controlled shutdown'

const CLUSTER_ID = 'cccccccccccccccccccccA'
const [DATA] = LOG_DIRECTORIES
const SHUTDOWN_MS_MAX = 40_000
/** What a service manager waits before it starts a process again. */
const RESTART_MS = 300
/** What an operator waits before he starts a broker again of which one directory has failed. */
const REPAIR_MS = 2000

/** Sentences of the log that tell of something that should happen sometimes. */
const TELLING: readonly (readonly [RegExp, Counter])[] = [
  [/^Fetching .* is corrupt/, 'bit rot read by a follower'],
  [/^Truncating .* the leader's epoch/, 'divergence'],
  [/^Truncating /, 'truncation'],
  [/older epoch .* than its leader/, 'fenced epoch'],
  [/Stopping serving logs/, 'log directory failed'],
  [/^Successfully replaced current log/, 'replica moved between directories'],
  [/Installed snapshot .* from the leader/, 'snapshot fetched'],
  [/MetadataSnapshot\] Wrote/, 'snapshot written'],
]

export class ClusterNode {
  readonly id: number
  readonly name: string
  readonly role: Role
  /** From the beginning. */
  readonly isVoter: boolean
  readonly #sim: ClusterSim
  #node: Node | null = null
  #inside: Inside | null = null
  #quorum: Quorum | null = null
  #lastQuorumEnd = 0
  /** Wakes the supervisor: the process has ended. */
  #ended: () => void = () => {}
  #downUntilMs = 0
  /** Processes that have ended. */
  #endings = 0
  #isStopped = false

  constructor(sim: ClusterSim, { id, role, isVoter }: NodeSettings) {
    this.#sim = sim
    this.id = id
    this.name = `n${id}`
    this.role = role
    this.isVoter = isVoter
  }

  get machine(): SeededNode {
    return this.#sim.world.node(this.name)
  }

  get isBroker(): boolean {
    return this.role !== 'controller'
  }

  get isController(): boolean {
    return this.role !== 'broker'
  }

  get isUp(): boolean {
    return this.#node !== null
  }

  get node(): Node | null {
    return this.#node
  }

  /** What no client can see of a broker; null while it doesn't serve. */
  get inside(): Inside | null {
    return this.#inside
  }

  get directoryId(): Uuid {
    return directoryOf(this.id, 'd')
  }

  /** As a controller. */
  get endpoints(): readonly VoterEndpoint[] {
    return [{ name: 'CONTROLLER', host: this.name, port: CONTROLLER_PORT }]
  }

  /** Of a controller whose metadata log is open. */
  get quorum(): Quorum | null {
    return this.#quorum
  }

  /** The end of the metadata log of a controller; of one that is down, as it was when it went. */
  get quorumEnd(): number {
    return this.#quorum?.endOffset ?? this.#lastQuorumEnd
  }

  async format(): Promise<void> {
    const voters = this.#sim.nodes.filter(({ isVoter }) => isVoter)
    const features = newClusterFeatures(METADATA_VERSION_LATEST)
    if (!this.#sim.settings.withElr) features.delete(ELR_VERSION)
    const values = bootstrapValues(METADATA_VERSION_LATEST, features)
    const { isStatic, logDirectories } = this.#sim.settings
    for (const directory of logDirectories) {
      await formatDirectory({
        ...this.machine.world,
        directory,
        clusterId: CLUSTER_ID,
        nodeId: this.id,
        directoryId: directoryOf(this.id, directory === DATA ? 'd' : 'e'),
        bootstrapValues: values,
        voters:
          this.isVoter && !isStatic && directory === DATA
            ? voters.map(({ id, directoryId, endpoints }) => ({
                id,
                directoryId,
                kraftVersions: KRAFT_VERSIONS,
                endpoints,
              }))
            : null,
      })
    }
  }

  /** Keeps a process running until `stop`. */
  async supervise(): Promise<void> {
    while (!this.#isStopped) {
      if (this.#downUntilMs > this.#sim.nowMs) await this.#sim.sleep(this.#downUntilMs - this.#sim.nowMs)
      const ended = new Promise<void>((resolve) => (this.#ended = resolve))
      const started = await Promise.race([this.#start(), ended.then(() => 'ended' as const)])
      if (started === 'failed') {
        this.#processEnded()
        this.machine.crash()
        await this.#sim.sleep(RESTART_MS)
      } else if (started === 'started') await ended
    }
  }

  /** Ends the process; the supervisor starts the next after that time. Resolves when it has ended. */
  async end(ending: Ending, downMs: number): Promise<void> {
    const sim: ClusterSim = this.#sim
    const node = this.#node
    sim.note(this.name, ending)
    if (ending === 'controlled shutdown' && node !== null) {
      this.#downUntilMs = sim.nowMs + SHUTDOWN_MS_MAX
      await Promise.race([node.close().catch(() => undefined), sim.sleep(SHUTDOWN_MS_MAX)])
      if (this.#node !== node) return
    }
    sim.sometimes(ending === 'crash' ? 'process crash' : ending)
    this.#downUntilMs = sim.nowMs + downMs
    if (ending === 'power loss') {
      sim.places.forgetNode(this.id)
      this.machine.powerLoss()
    } else this.machine.crash()
    this.#gone()
  }

  /** The last: a clean end without a successor. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const node = this.#node
    if (node !== null) await node.close()
    this.machine.crash()
    this.#gone()
  }

  #processEnded(): void {
    this.#endings += 1
    this.#lastQuorumEnd = this.quorumEnd
    this.#quorum = null
  }

  #gone(): void {
    this.#processEnded()
    this.#node = null
    this.#inside = null
    this.#ended()
  }

  async #start(): Promise<'started' | 'failed'> {
    const sim: ClusterSim = this.#sim
    const { machine } = this
    let inside: Inside | null = null
    try {
      const options = {
        world: machine.world,
        config: this.#config(),
        logger: this.#logger(),
        hostName: this.name,
        poison: true,
        tailCacheBytes: this.#sim.settings.tailCacheBytes,
        inspect: (found: Inside) => (inside = found),
        inspectQuorum: (quorum: Quorum) => (this.#quorum = quorum),
      }
      const node = this.isBroker ? await startNode(options) : await startControllerNode(options)
      this.#node = node
      this.#inside = inside
      sim.note(this.name, 'serves')
      node.closed.catch((error: unknown) => {
        if (this.#node !== node) return
        sim.sometimes('node stopped by itself')
        sim.note(this.name, `stopped by itself: ${String(error)}`)
        this.#judge(error)
        this.#downUntilMs = sim.nowMs + RESTART_MS
        machine.crash()
        this.#gone()
      })
      return 'started'
    } catch (error) {
      sim.note(this.name, `could not start: ${String(error)}`)
      this.#judge(error)
      return 'failed'
    }
  }

  #config() {
    const { settings, bootstrapControllers, voterAddresses } = this.#sim
    const listeners = [
      ...(this.isBroker ? [`PLAINTEXT://${this.name}:${BROKER_PORT}`] : []),
      ...(this.isController ? [`CONTROLLER://${this.name}:${CONTROLLER_PORT}`] : []),
    ]
    return parseBrokerConfig(
      new Map([
        ...Object.entries(settings.properties),
        ['process.roles', this.role],
        ['node.id', String(this.id)],
        ['listeners', listeners.join()],
        settings.isStatic
          ? ['controller.quorum.voters', voterAddresses.join()]
          : ['controller.quorum.bootstrap.servers', bootstrapControllers.join()],
        ['log.dirs', settings.logDirectories.join()],
        ['metadata.log.dir', DATA],
      ]),
    ).config
  }

  #logger(): Logger {
    const sim: ClusterSim = this.#sim
    const seen = (message: string, error?: unknown): void => {
      sim.note(this.name, error === undefined ? message : `${message}: ${String(error)}`)
      for (const [pattern, counter] of TELLING) if (pattern.test(message)) sim.sometimes(counter)
      if (message.startsWith('Stopping serving logs')) void this.#repair()
      this.#judge(error)
    }
    return { debug() {}, info: seen, warn: seen, error: seen }
  }

  /** One of its directories failed. If it lives on without, be it that it still waits to be registered, it is started again before long. */
  async #repair(): Promise<void> {
    this.#sim.places.forgetNode(this.id)
    const endings = this.#endings
    await this.#sim.sleep(REPAIR_MS)
    if (this.#endings === endings) await this.end('crash', 0)
  }

  /** Nothing that happens around a node may break its own rules. */
  #judge(error: unknown): void {
    if (!(error instanceof Error)) return
    if (error.name === 'InvariantError' || error.name === 'TypeError' || error.name === 'RangeError') {
      this.#sim.note(this.name, error.stack ?? error.message)
      this.#sim.fail(error)
    }
  }
}

function directoryOf(id: number, letter: string): Uuid {
  const uuid = parseUuid(`${letter.repeat(19)}0${id}A`)
  if (uuid === null) throw new TypeError(`no directory id for node ${id}`)
  return uuid
}
