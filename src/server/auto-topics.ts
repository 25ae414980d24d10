/**
 * Topics that come to be because somebody asked for them: auto.create.topics.enable, and the internal topics that a
 * coordinator needs. A name is created once however many ask at the same time; the answer waits until it can be used.
 */
import { ERROR_CODES, errorName, type ErrorCode } from '../base/error-codes.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import { CreateTopicsRequest } from '../protocol/generated/create-topics.ts'
import { CONSUMER_OFFSETS, isInternal } from './topic-names.ts'

/** The broker that asks its controller speaks the newest version. */
const CREATE_TOPICS_VERSION = 7
const CREATE_TIMEOUT_MS = 60_000

export class AutoTopics {
  readonly #controller: ControllerApi
  readonly #config: () => BrokerConfig
  readonly #creating = new Map<string, Promise<ErrorCode>>()

  constructor(controller: ControllerApi, config: () => BrokerConfig) {
    this.#controller = controller
    this.#config = config
  }

  /** Why each name still does not exist; a name that was created, or was there by then, is not in the answer. */
  async create(names: readonly string[]): Promise<ReadonlyMap<string, ErrorCode>> {
    const failed = new Map<string, ErrorCode>()
    await Promise.all(
      names.map(async (name) => {
        const code = await this.#createOnce(name)
        if (code !== 'NONE' && code !== 'TOPIC_ALREADY_EXISTS') failed.set(name, code)
      }),
    )
    return failed
  }

  #createOnce(name: string): Promise<ErrorCode> {
    const under = this.#creating.get(name)
    if (under !== undefined) return under
    if (!isInternal(name) && !this.#config().autoCreateTopicsEnable)
      return Promise.resolve('UNKNOWN_TOPIC_OR_PARTITION')
    // Other internal topics come with the coordinators that need them.
    if (isInternal(name) && name !== CONSUMER_OFFSETS) return Promise.resolve('UNKNOWN_TOPIC_OR_PARTITION')
    const creation = this.#create(name).finally(() => this.#creating.delete(name))
    this.#creating.set(name, creation)
    return creation
  }

  async #create(name: string): Promise<ErrorCode> {
    const request = CreateTopicsRequest.make({ topics: [this.#template(name)], timeoutMs: CREATE_TIMEOUT_MS })
    const { topics } = await this.#controller.createTopics(request, { apiVersion: CREATE_TOPICS_VERSION })
    const code = topics?.[0]?.errorCode ?? ERROR_CODES.NONE
    // What may not be created is as good as absent: a client that asked for metadata did not ask for it to be made.
    return code === ERROR_CODES.INVALID_REQUEST
      ? 'UNKNOWN_TOPIC_OR_PARTITION'
      : (errorName(code) ?? 'UNKNOWN_SERVER_ERROR')
  }

  #template(name: string): {
    name: string
    numPartitions: number
    replicationFactor: number
    configs: { name: string; value: string }[]
  } {
    if (name !== CONSUMER_OFFSETS) return { name, numPartitions: -1, replicationFactor: -1, configs: [] }
    const config = this.#config()
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
