/**
 * `startCluster` of `klamm/broker`: a whole cluster inside your process, for tests of what happens when a node goes away.
 *
 *     import { startCluster } from 'klamm/broker'
 *     await using cluster = await startCluster({ nodes: 3 })
 *     await using kafka = new Klamm({ brokers: cluster.bootstrapServers })
 *     await cluster.broker(2).kill()
 *
 * Each node has its port as long as the cluster lives, and its data, so that it can be stopped, killed and started again.
 * What was closed leaves nothing behind.
 */
import { addressOf } from './base/address.ts'
import { OperationalError } from './base/errors.ts'
import type { Logger } from './base/logger.ts'
import {
  checkDirectory,
  checkOptionNames,
  embeddedConfig,
  embeddedWorld,
  MEMORY_DIRECTORY,
  starting,
  type PropertyValue,
} from './embedding.ts'
import type { MetadataImage } from './metadata/image.ts'
import { startControllerNode } from './server/controller-node.ts'
import { formatLocalNodes, localNodes, type LocalNode } from './server/local-cluster.ts'
import { startNode } from './server/node.ts'
import type { World } from './world/world.ts'

export interface ClusterOptions {
  /** Brokers, 1 to 64; 3 if left out. */
  readonly nodes?: number
  /** Controllers beside them, 1 to 7; 1 if left out. */
  readonly controllers?: number
  /** Where all nodes listen; 127.0.0.1 if left out. */
  readonly host?: string
  /** A directory for each node is kept in this one. In memory if left out: gone with `close`. */
  readonly directory?: string
  /** server.properties for all nodes, over the defaults of this function. Partitions have three replicas, two of them in sync at least, where there are three brokers. */
  readonly config?: Readonly<Record<string, PropertyValue>>
  /** Silent if left out, but for warnings about `config`, which become warnings of the process. */
  readonly logger?: Logger
  /** Another clock, disk or network, as simulations have them. The real ones if left out. */
  readonly world?: World
}

/** A broker or controller of the cluster: running, or not. */
export interface ClusterNode {
  readonly id: number
  readonly role: 'broker' | 'controller'
  readonly host: string
  readonly port: number
  /** `host:port` */
  readonly address: string
  readonly isRunning: boolean
  /** On the port and data that it had. Resolves when it serves; at once if it runs. @throws OperationalError */
  start(): Promise<void>
  /** Controlled shutdown: its partitions have other leaders first, if they have other replicas. */
  stop(): Promise<void>
  /** Stops as a killed process does: nothing is flushed, marked or told to anybody. */
  kill(): Promise<void>
}

export interface Cluster extends AsyncDisposable {
  readonly clusterId: string
  /** Of all brokers, running or not: `host:port`, for a client's list. */
  readonly bootstrapServers: readonly string[]
  readonly brokers: readonly ClusterNode[]
  readonly controllers: readonly ClusterNode[]
  /** @throws OperationalError if there is no such broker. */
  broker(id: number): ClusterNode
  /** Stops brokers, then controllers. Idempotent. */
  close(): Promise<void>
}

/** For tests: groups rebalance at once, few partitions of internal topics, a node that is lost is noticed soon. */
const TEST_CONFIG: readonly (readonly [string, string])[] = [
  ['offsets.topic.num.partitions', '1'],
  ['transaction.state.log.num.partitions', '1'],
  ['group.initial.rebalance.delay.ms', '0'],
  ['broker.session.timeout.ms', '1500'],
  ['broker.heartbeat.interval.ms', '250'],
  ['controller.quorum.election.timeout.ms', '150'],
  ['controller.quorum.fetch.timeout.ms', '600'],
  ['controller.quorum.election.backoff.max.ms', '100'],
]

const CLUSTER_OPTIONS = {
  nodes: 'public',
  controllers: 'public',
  host: 'public',
  directory: 'public',
  config: 'public',
  logger: 'public',
  world: 'public',
} as const

/** Resolves when all brokers serve and know of each other. @throws OperationalError with one sentence; nothing is left open. */
export function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { nodes = 3, controllers = 1, host = '127.0.0.1', directory = MEMORY_DIRECTORY, config = {} } = options
  return starting(async (logger) => {
    checkOptionNames<Required<ClusterOptions>>(options as Required<ClusterOptions>, CLUSTER_OPTIONS)
    checkDirectory(directory)
    const world = embeddedWorld(options.world, options.directory === undefined)
    const settings = new Map(TEST_CONFIG)
    for (const [key, value] of Object.entries(config)) if (value !== undefined) settings.set(key, String(value))
    const [clusterId, places] = await whilePortsAreHeld(world, host, nodes + controllers, async (ports) => {
      const [brokerPorts, controllerPorts] = [ports.slice(0, nodes), ports.slice(nodes)]
      const laidOut = localNodes({ host, directory, config: settings, brokerPorts, controllerPorts })
      return [await formatLocalNodes(world, directory, laidOut, logger), laidOut] as const
    })
    const cluster = new EmbeddedCluster(
      clusterId,
      places.map((place) => new EmbeddedNode(place, world, logger, options.logger)),
    )
    try {
      await cluster.start()
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }, options.logger)
}

interface Running {
  close(): Promise<void>
  closeHard(): Promise<void>
  readonly closed: Promise<void>
  readonly image: MetadataImage
}

class EmbeddedNode implements ClusterNode {
  readonly id: number
  readonly role: 'broker' | 'controller'
  readonly host: string
  readonly port: number
  readonly #place: LocalNode
  readonly #world: World
  readonly #logger: Logger
  readonly #warned: Logger | undefined
  #running: Running | null = null
  /** Who waits for what the broker shows its clients looks again. */
  #look: () => void = () => {}
  /** Starts, stops and kills, one after the other. */
  #queue: Promise<void> = Promise.resolve()

  constructor(place: LocalNode, world: World, logger: Logger, warned: Logger | undefined) {
    this.id = place.id
    this.role = place.role
    this.host = place.host
    this.port = place.port
    this.#place = place
    this.#world = world
    this.#logger = logger
    this.#warned = warned
  }

  get address(): string {
    return addressOf(this.host, this.port)
  }

  get isRunning(): boolean {
    return this.#running !== null
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#running !== null) return
      const running = await starting((logger) => this.#start(logger), this.#logger)
      this.#running = running
      const ended = (): void => {
        if (this.#running === running) this.#running = null
      }
      running.closed.then(ended, ended)
    })
  }

  /** Resolves when its clients are shown these brokers. @throws OperationalError if it ends before. */
  async shows(brokers: readonly number[]): Promise<void> {
    for (;;) {
      const running = this.#running
      if (running === null)
        throw new OperationalError('NETWORK_FAILED', `Broker ${this.id} ended before it knew the others.`)
      const { cluster } = running.image
      if (brokers.every((id) => cluster.brokers.get(id)?.fenced === false)) return
      await Promise.race([new Promise<void>((resolve) => (this.#look = resolve)), running.closed])
    }
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#running?.close()
      this.#running = null
    })
  }

  kill(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#running?.closeHard()
      this.#running = null
    })
  }

  #start(logger: Logger): Promise<Running> {
    const config = embeddedConfig(this.#place.properties, this.#warned)
    const options = { world: this.#world, config, logger, hostName: this.host, shown: () => this.#look() }
    return this.role === 'broker' ? startNode(options) : startControllerNode(options)
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(task)
    this.#queue = turn.catch(() => undefined)
    return turn
  }
}

class EmbeddedCluster implements Cluster {
  readonly clusterId: string
  readonly #nodes: readonly EmbeddedNode[]

  constructor(clusterId: string, nodes: readonly EmbeddedNode[]) {
    this.clusterId = clusterId
    this.#nodes = nodes
  }

  get brokers(): readonly ClusterNode[] {
    return this.#nodes.filter(({ role }) => role === 'broker')
  }

  get controllers(): readonly ClusterNode[] {
    return this.#nodes.filter(({ role }) => role === 'controller')
  }

  get bootstrapServers(): readonly string[] {
    return this.brokers.map(({ address }) => address)
  }

  broker(id: number): ClusterNode {
    const found = this.brokers.find((node) => node.id === id)
    if (found === undefined) throw new OperationalError('CONFIG_INVALID', `The cluster has no broker ${id}.`)
    return found
  }

  async start(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.start()))
    const brokers = this.#nodes.filter(({ role }) => role === 'broker')
    const ids = brokers.map(({ id }) => id)
    await Promise.all(brokers.map((broker) => broker.shows(ids)))
  }

  /** Brokers in turn: each hands its partitions to those that are left, and the last has nobody to hand them to. */
  async close(): Promise<void> {
    for (const node of this.brokers) await node.stop()
    await Promise.all(this.controllers.map((node) => node.stop()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Listens on free ports while `work` is done, so that the nodes find them free right behind it. */
async function whilePortsAreHeld<Result>(
  world: World,
  host: string,
  count: number,
  work: (ports: readonly number[]) => Promise<Result>,
): Promise<Result> {
  const listening = await Promise.all(
    Array.from({ length: count }, () =>
      world.network.listen({ host, port: 0, backlog: 1 }, (socket) => socket.destroy()),
    ),
  )
  try {
    return await work(listening.map(({ port }) => port))
  } finally {
    await Promise.all(listening.map((listener) => listener.close()))
  }
}
