/**
 * Brokers that do what a test tells them, for tests of the client: on a network of a World, with real frames.
 *
 *     const cluster = await ScriptedCluster.start(world, { nodes: 3, topics: { orders: 2 } })
 *     cluster.on(Produce, (request, { node, version }) => ({ responses: … }))
 *     cluster.moveLeader('orders', 0, 2)
 *
 * ApiVersions and Metadata are answered from the cluster's state unless scripted; whatever else is asked unscripted costs
 * the connection and is listed in `unexpected`. A script answers with a message, `SILENCE` (never answered), `HANG_UP`, or a
 * promise of one of them. Scripts are asked newest first; one that returns undefined leaves it to those before.
 */
import { ByteReader } from '../../base/byte-reader.ts'
import { ERROR_CODES } from '../../base/error-codes.ts'
import type { Uuid } from '../../base/uuid.ts'
import type { AnyApi, Api, Init } from '../../protocol/codec.ts'
import { peekRequestStart, readRequestHeader, writeResponse } from '../../protocol/frames.ts'
import { APIS } from '../../protocol/generated/apis.ts'
import { ApiVersions } from '../../protocol/generated/api-versions.ts'
import { Metadata, type MetadataRequest, type MetadataResponse } from '../../protocol/generated/metadata.ts'
import { ChunkPool } from '../../rpc/chunk-pool.ts'
import { FrameReceiver } from '../../rpc/frame-receiver.ts'
import type { VersionRange } from '../../rpc/api-version-table.ts'
import type { Listener, Socket, World } from '../../world/world.ts'

export const SILENCE = Symbol('never answered')
export const HANG_UP = Symbol('the connection is closed')

export interface Asked {
  /** Who was asked. */
  readonly node: number
  readonly version: number
  readonly clientId: string | null
}

type Scripted<Response> = Init<Response> | typeof SILENCE | typeof HANG_UP | undefined
export type Script<Request, Response> = (
  request: Request,
  asked: Asked,
) => Scripted<Response> | Promise<Scripted<Response>>

export interface ScriptedClusterOptions {
  /** Node ids are 1, 2, …. 1 if left out. */
  readonly nodes?: number
  /** Partitions by topic; partition p is led by node p % nodes + 1. */
  readonly topics?: Readonly<Record<string, number>>
  /** Versions that brokers tell, by API name; all that we know if left out. Null: the API isn't there. */
  readonly versions?: Readonly<Record<string, VersionRange | null>>
  /** Where each node runs and how it is reached, so that the network between it and others may fail. All on `world` if left out. */
  readonly machineOf?: (node: number) => { readonly world: World; readonly ip: string }
  /** Finalised features, by name, that ApiVersions tells. */
  readonly features?: Readonly<Record<string, number>>
}

export interface ScriptedTopic {
  readonly id: Uuid
  /** By partition. */
  readonly leaders: number[]
  readonly epochs: number[]
}

export class ScriptedCluster {
  readonly topics = new Map<string, ScriptedTopic>()
  /** Requests in the order of their arrival: `Metadata v13 at 1`. */
  readonly log: string[] = []
  readonly unexpected: string[] = []
  controllerId = 1
  /** The most requests of an API that one connection had without an answer, by API key. */
  readonly inFlightMost = new Map<number, number>()
  /** What is lost on its way, with the connection: a request before, or an answer after its script ran. */
  lose: ((api: string, node: number) => 'request' | 'answer' | null) | null = null
  readonly #machineOf: (node: number) => { readonly world: World; readonly ip: string }
  readonly #versions: Readonly<Record<string, VersionRange | null>>
  readonly #pool = new ChunkPool({ freeBytesMax: 0, poison: true })
  readonly #nodes = new Map<number, { readonly listener: Listener; readonly sockets: Set<Socket> }>()
  readonly #ports = new Map<number, number>()
  readonly #scripts = new Map<number, Script<never, unknown>[]>()

  private constructor(
    world: World,
    {
      topics = {},
      versions = {},
      features = {},
      machineOf = () => ({ world, ip: '127.0.0.1' }),
    }: ScriptedClusterOptions,
  ) {
    this.#machineOf = machineOf
    this.#versions = versions
    const finalizedFeatures = Object.entries(features).map(([name, maxVersionLevel]) => ({
      name,
      maxVersionLevel,
      minVersionLevel: maxVersionLevel,
    }))
    this.on(ApiVersions, (_request, { version }) => ({
      apiKeys: this.#apiKeys(),
      ...(version >= 3 && finalizedFeatures.length > 0 ? { finalizedFeatures, finalizedFeaturesEpoch: 1 } : {}),
    }))
    this.on(Metadata, (request) => this.#metadata(request))
    this.#topicsMade = Object.entries(topics)
  }

  readonly #topicsMade: [string, number][]

  static async start(world: World, options: ScriptedClusterOptions = {}): Promise<ScriptedCluster> {
    const cluster = new ScriptedCluster(world, options)
    for (let id = 1; id <= (options.nodes ?? 1); id++) await cluster.startNode(id)
    for (const [name, partitions] of cluster.#topicsMade) cluster.createTopic(name, partitions)
    return cluster
  }

  /** For a client's `brokers`. */
  get bootstrap(): string[] {
    return [...this.#ports].map(([id, port]) => `${this.#machineOf(id).ip}:${port}`)
  }

  get nodes(): number[] {
    return [...this.#nodes.keys()]
  }

  /** How a node is reached, as answers name it. */
  endpoint(nodeId: number): { nodeId: number; host: string; port: number } {
    return { nodeId, host: this.#machineOf(nodeId).ip, port: this.#ports.get(nodeId) ?? 0 }
  }

  /** Connections that are open to `node`. */
  connectionsOf(node: number): number {
    return this.#nodes.get(node)?.sockets.size ?? 0
  }

  /** How often an API was asked. */
  count(api: AnyApi): number {
    return this.log.filter((line) => line.startsWith(`${api.name} `)).length
  }

  on<Request, Response>(api: Api<Request, Response>, script: Script<Request, Response>): void {
    const scripts = this.#scripts.get(api.key) ?? []
    scripts.unshift(script)
    this.#scripts.set(api.key, scripts)
  }

  /** Answers the next request of an API, then is forgotten. */
  once<Request, Response>(api: Api<Request, Response>, script: Script<Request, Response>): void {
    let isUsed = false
    this.on<Request, Response>(api, (request, asked) => {
      if (isUsed) return undefined
      isUsed = true
      return script(request, asked)
    })
  }

  createTopic(name: string, partitions: number): void {
    const nodes = this.nodes
    const leaders = Array.from({ length: partitions }, (_, partition) => nodes[partition % nodes.length] ?? -1)
    const id = Buffer.from(`topic ${this.topics.size} ${name}`.padEnd(16).slice(0, 16)).toString('base64url') as Uuid
    this.topics.set(name, { id, leaders, epochs: leaders.map(() => 0) })
  }

  moveLeader(topic: string, partition: number, node: number): void {
    const moved = this.topics.get(topic)!
    moved.leaders[partition] = node
    moved.epochs[partition]! += 1
  }

  leads(node: number, topic: string, partition: number): boolean {
    return this.topics.get(topic)?.leaders[partition] === node
  }

  /** At the port that it had before, if it was there. */
  async startNode(id: number): Promise<void> {
    const sockets = new Set<Socket>()
    const { world } = this.#machineOf(id)
    const address = { host: '127.0.0.1', port: this.#ports.get(id) ?? 0, backlog: 50 }
    const listener = await world.network.listen(address, (socket) => {
      sockets.add(socket)
      this.#serve(id, socket, () => sockets.delete(socket))
    })
    this.#ports.set(id, listener.port)
    this.#nodes.set(id, { listener, sockets })
  }

  /** Its connections break, and nobody can connect. Metadata doesn't name it any more. */
  async stopNode(id: number): Promise<void> {
    const node = this.#nodes.get(id)
    this.#nodes.delete(id)
    for (const socket of node?.sockets ?? []) socket.destroy()
    await node?.listener.close()
  }

  async close(): Promise<void> {
    for (const id of this.nodes) await this.stopNode(id)
  }

  #serve(node: number, socket: Socket, gone: () => void): void {
    // A broker answers one request of a connection after the other.
    let before = Promise.resolve()
    const inFlight = new Map<number, number>()
    const arrived = (apiKey: number, change: 1 | -1): void => {
      const count = (inFlight.get(apiKey) ?? 0) + change
      inFlight.set(apiKey, count)
      this.inFlightMost.set(apiKey, Math.max(this.inFlightMost.get(apiKey) ?? 0, count))
    }
    const receiver: FrameReceiver = new FrameReceiver(
      this.#pool,
      100_000_000,
      (frame) => {
        const bytes = Buffer.from(frame.buffer.subarray(frame.start, frame.end))
        frame.memory.release()
        const apiKey = bytes.readInt16BE(0)
        arrived(apiKey, 1)
        before = before.then(() => this.#answer(node, socket, bytes)).then(() => arrived(apiKey, -1))
      },
      () => socket.destroy(),
    )
    const stop = (): void => {
      receiver.stop()
      gone()
    }
    socket.start({
      room: () => receiver.room(),
      received: (length) => receiver.received(length),
      ended: () => socket.destroy(),
      closed: stop,
    })
  }

  async #answer(node: number, socket: Socket, bytes: Buffer): Promise<void> {
    const reader = new ByteReader(bytes)
    const { apiKey, apiVersion: version, correlationId } = peekRequestStart(reader)
    const api = APIS.get(apiKey)!
    const known = this.#versions[api.name]
    if (api === ApiVersions && known !== undefined && known !== null && version > known.max) {
      const told = { errorCode: ERROR_CODES.UNSUPPORTED_VERSION, apiKeys: this.#apiKeys() }
      socket.write(writeResponse(ApiVersions, 0, correlationId, told))
      return
    }
    const { clientId } = readRequestHeader(reader, api, version)
    const request = api.request.read(reader, version) as never
    this.log.push(`${api.name} v${version} at ${node}`)
    const lost = this.lose?.(api.name, node) ?? null
    if (lost === 'request') {
      socket.destroy()
      return
    }
    let answer: unknown = undefined
    for (const script of this.#scripts.get(apiKey) ?? []) {
      answer = await script(request, { node, version, clientId })
      if (answer !== undefined) break
    }
    if (answer === SILENCE) return
    if (answer === undefined) this.unexpected.push(`${api.name} v${version} at ${node}`)
    if (answer === undefined || answer === HANG_UP || lost === 'answer') socket.destroy()
    else socket.write(writeResponse(api, version, correlationId, answer as Init<unknown>))
  }

  #apiKeys(): { apiKey: number; minVersion: number; maxVersion: number }[] {
    const keys = []
    for (const api of APIS.values()) {
      const told = this.#versions[api.name]
      if (told === null) continue
      const { lowestVersion, highestVersion } = api.request
      if (highestVersion < lowestVersion) continue
      keys.push({ apiKey: api.key, minVersion: told?.min ?? lowestVersion, maxVersion: told?.max ?? highestVersion })
    }
    return keys
  }

  #metadata(request: MetadataRequest): Init<MetadataResponse> {
    const names = request.topics?.map(({ name }) => name ?? '') ?? [...this.topics.keys()]
    return {
      clusterId: 'scripted',
      controllerId: this.controllerId,
      brokers: this.nodes.map((nodeId) => this.endpoint(nodeId)),
      topics: names.map((name) => {
        const topic = this.topics.get(name)
        if (topic === undefined) return { name, errorCode: ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION }
        const partitions = topic.leaders.map((leaderId, partitionIndex) => ({
          partitionIndex,
          leaderId: this.#nodes.has(leaderId) ? leaderId : -1,
          leaderEpoch: topic.epochs[partitionIndex]!,
          errorCode: this.#nodes.has(leaderId) ? 0 : ERROR_CODES.LEADER_NOT_AVAILABLE,
          replicaNodes: [leaderId],
          isrNodes: [leaderId],
        }))
        return { name, topicId: topic.id, partitions }
      }),
    }
  }
}
