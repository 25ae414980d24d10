/** Several quorums in one seeded world, with real files, that speak to each other without connections. */
import { SILENT } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import { bootstrapValues } from '../metadata/bootstrap.ts'
import { formatDirectory } from '../quorum/format.ts'
import { DEFAULT_TIMING, type LoadSink, type QuorumOptions } from '../quorum/quorum-options.ts'
import { Quorum } from '../quorum/quorum.ts'
import type { RaftChannel, ServedAnswer } from '../quorum/raft-channel.ts'
import { batchesOf } from '../quorum/wire-results.ts'
import type { RaftResult } from '../raft/messages.ts'
import { KRAFT_VERSIONS, type Voter } from '../raft/voters.ts'
import { isControl } from '../records/batch.ts'
import { readRecords } from '../records/record-reader.ts'
import type { SeededWorld } from './seeded-world.ts'

const CLUSTER_ID = 'cccccccccccccccccccccA'
const LATENCY_MS = 1

export function quorumVoter(id: number): Voter {
  const directoryId = `ddddddddddddddddddd${String(id).padStart(2, '0')}A` as Uuid
  const endpoints = [{ name: 'CONTROLLER', host: `node-${id}`, port: 9093 }]
  return { id, directoryId, endpoints, kraftVersions: KRAFT_VERSIONS }
}

/** What a node was handed: the text of each record, in order. */
export class RecordedLog implements LoadSink {
  values: string[] = []
  snapshots = 0

  snapshot(content: { readonly batches: readonly Buffer[] }): void {
    this.values = []
    this.snapshots += 1
    for (const batch of content.batches) this.batch(batch, 0)
  }

  batch(bytes: Buffer, at: number): void {
    if (isControl(bytes, at)) return
    for (const { value } of readRecords(bytes, at)) this.values.push(value?.toString() ?? '')
  }
}

export class QuorumNodes {
  readonly #world: SeededWorld
  readonly #voters: readonly number[]
  readonly quorums = new Map<number, Quorum>()
  readonly logs = new Map<number, RecordedLog>()
  /** Ids of nodes that nobody reaches. */
  readonly cutOff = new Set<number>()

  /** `voters`: ids of the first voters. */
  constructor(world: SeededWorld, voters: readonly number[]) {
    this.#world = world
    this.#voters = voters
  }

  async format(id: number): Promise<void> {
    const { disk, clock, random } = this.#world
    const isVoter = this.#voters.includes(id)
    await formatDirectory({
      disk,
      clock,
      random,
      directory: `/node-${id}`,
      clusterId: CLUSTER_ID,
      nodeId: id,
      directoryId: quorumVoter(id).directoryId,
      bootstrapValues: bootstrapValues(30),
      voters: isVoter ? this.#voters.map(quorumVoter) : null,
    })
  }

  async start(id: number, changes: Partial<QuorumOptions> = {}): Promise<Quorum> {
    const { disk, clock, random } = this.#world
    const { directoryId, endpoints } = quorumVoter(id)
    const log = new RecordedLog()
    const quorum = await Quorum.open(
      {
        disk,
        clock,
        random,
        logger: SILENT,
        logDirectory: `/node-${id}`,
        nodeId: id,
        directoryId,
        staticVoters: [],
        mayVote: true,
        autoJoin: false,
        endpoints,
        listenerName: 'CONTROLLER',
        bootstrapServers: this.#voters.map((voter) => ({ host: `node-${voter}`, port: 9093 })),
        timing: DEFAULT_TIMING,
        channel: this.#channel(id),
        logConfig: { ...DEFAULT_LOG_CONFIG, retentionMs: -1, retentionBytes: -1, segmentBytes: 8 * 1024 * 1024 },
        snapshots: { recordBytesMax: 1 << 30, intervalMs: 0, retentionBytes: 1, retentionMs: -1 },
        ...changes,
      },
      log,
    )
    this.quorums.set(id, quorum)
    this.logs.set(id, log)
    quorum.start()
    return quorum
  }

  async stop(id: number): Promise<void> {
    const quorum = this.quorums.get(id)
    this.quorums.delete(id)
    await quorum?.close()
  }

  get leader(): Quorum | null {
    return [...this.quorums.values()].find((quorum) => quorum.isLeader && !this.cutOff.has(quorum.nodeId)) ?? null
  }

  #channel(from: number): RaftChannel {
    return {
      send: async (to, request) => {
        await this.#hop()
        const id = Number(to.host.slice('node-'.length))
        const target = this.quorums.get(id)
        if (target === undefined || this.cutOff.has(id) || this.cutOff.has(from)) throw new Error('not reached')
        if (request.kind === 'apiVersions') {
          return { kind: 'apiVersions', error: 'NONE', kraftVersions: { min: 0, max: 1 } }
        }
        const result = resultOf(await target.request(request))
        await this.#hop()
        if (this.cutOff.has(id) || this.cutOff.has(from)) throw new Error('the answer is lost')
        return result
      },
      close() {},
    }
  }

  #hop(): Promise<void> {
    const { clock } = this.#world
    return new Promise((resolve) => void clock.at(clock.monotonicMs() + LATENCY_MS, resolve))
  }
}

function resultOf(answer: ServedAnswer): RaftResult {
  if (answer.kind !== 'fetch') return answer
  const { records, ...fields } = answer
  return { ...fields, batches: batchesOf(records) }
}
