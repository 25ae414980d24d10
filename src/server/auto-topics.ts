/**
 * Topics that come to be because somebody asked for them: auto.create.topics.enable, and the internal topics that a
 * coordinator needs. A name is created once however many ask at the same time; the answer waits until it can be used.
 */
import { ERROR_CODES, type ErrorCode } from '../base/error-codes.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import { isTopicName } from '../controller/topic-name.ts'
import { CreateTopicsRequest } from '../protocol/generated/create-topics.ts'
import { CONSUMER_OFFSETS, isInternal, TRANSACTION_STATE } from './topic-names.ts'

/** The broker that asks its controller speaks the newest version. */
const CREATE_TOPICS_VERSION = 7
const CREATE_TIMEOUT_MS = 60_000
const SERVED_INTERNAL: ReadonlySet<string> = new Set([CONSUMER_OFFSETS, TRANSACTION_STATE])
/** Of one request to the controller, which takes 10,000: few enough that others get their turn between two. */
const PARTITIONS_PER_REQUEST = 500

/** On whose behalf topics are created. */
export interface Asker {
  readonly clientHost: string | null
  readonly clientId: string | null
}

/** The broker itself. */
const NOBODY: Asker = { clientHost: null, clientId: null }

export class AutoTopics {
  readonly #controller: Pick<ControllerApi, 'createTopics'>
  readonly #config: () => BrokerConfig
  /** Names under creation, each with the outcome of the request that it is in. */
  readonly #creating = new Map<string, Promise<ReadonlyMap<string, ErrorCode>>>()

  constructor(controller: Pick<ControllerApi, 'createTopics'>, config: () => BrokerConfig) {
    this.#controller = controller
    this.#config = config
  }

  /** `asker`: the client whose quota new partitions count towards. Why each name still does not exist; a name that was created, or was there by then, is not in the answer. */
  async create(names: readonly string[], asker: Asker = NOBODY): Promise<ReadonlyMap<string, ErrorCode>> {
    const failed = new Map<string, ErrorCode>()
    const wanted = new Set(names)
    const missing: string[] = []
    for (const name of wanted) {
      if (this.#creating.has(name)) continue
      if (this.#mayCreate(name)) missing.push(name)
      else failed.set(name, 'UNKNOWN_TOPIC_OR_PARTITION')
    }
    const perRequest = Math.max(1, Math.floor(PARTITIONS_PER_REQUEST / Math.max(1, this.#config().numPartitions)))
    for (let at = 0; at < missing.length; at += perRequest) this.#begin(missing.slice(at, at + perRequest), asker)
    const under = [...wanted].flatMap((name) => {
      const creation = this.#creating.get(name)
      return creation === undefined ? [] : [{ name, creation }]
    })
    for (const { name, creation } of under) {
      const code = (await creation).get(name) ?? 'UNKNOWN_SERVER_ERROR'
      if (code !== 'NONE' && code !== 'TOPIC_ALREADY_EXISTS') failed.set(name, code)
    }
    return failed
  }

  #mayCreate(name: string): boolean {
    // Other internal topics come with the coordinators that need them.
    return isInternal(name) ? SERVED_INTERNAL.has(name) : this.#config().autoCreateTopicsEnable
  }

  #begin(names: readonly string[], asker: Asker): void {
    const creation = this.#create(names, asker).finally(() => {
      for (const name of names) this.#creating.delete(name)
    })
    // Everybody who waits for a name of it is told.
    creation.catch(() => undefined)
    for (const name of names) this.#creating.set(name, creation)
  }

  async #create(names: readonly string[], { clientHost, clientId }: Asker): Promise<ReadonlyMap<string, ErrorCode>> {
    const request = CreateTopicsRequest.make({
      topics: names.map((name) => this.#template(name)),
      timeoutMs: CREATE_TIMEOUT_MS,
    })
    const { topics } = await this.#controller.createTopics(request, {
      apiVersion: CREATE_TOPICS_VERSION,
      clientHost,
      clientId,
    })
    return new Map(
      (topics ?? []).map(({ name, errorCode }) => [name ?? '', answerCode(name ?? '', errorCode ?? ERROR_CODES.NONE)]),
    )
  }

  #template(name: string): {
    name: string
    numPartitions: number
    replicationFactor: number
    configs: { name: string; value: string }[]
  } {
    const config = this.#config()
    if (name === TRANSACTION_STATE) {
      return {
        name,
        numPartitions: config.transactionStateLogNumPartitions,
        replicationFactor: config.transactionStateLogReplicationFactor,
        configs: [
          { name: 'unclean.leader.election.enable', value: 'false' },
          { name: 'compression.type', value: 'uncompressed' },
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'min.insync.replicas', value: String(config.transactionStateLogMinIsr) },
          { name: 'segment.bytes', value: String(config.transactionStateLogSegmentBytes) },
        ],
      }
    }
    if (name !== CONSUMER_OFFSETS) return { name, numPartitions: -1, replicationFactor: -1, configs: [] }
    return {
      name,
      numPartitions: config.offsetsTopicNumPartitions,
      replicationFactor: config.offsetsTopicReplicationFactor,
      configs: [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'segment.bytes', value: String(config.offsetsTopicSegmentBytes) },
        { name: 'compression.type', value: 'producer' },
      ],
    }
  }
}

/** What cannot be created is as good as absent: a client that asked for metadata did not ask for it to be made. */
function answerCode(name: string, code: number): ErrorCode {
  if (code === ERROR_CODES.NONE) return 'NONE'
  if (code === ERROR_CODES.TOPIC_ALREADY_EXISTS) return 'TOPIC_ALREADY_EXISTS'
  return isTopicName(name) ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION'
}
