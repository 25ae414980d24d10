/** kafkajs's door: settings of a cluster, and the clients that are made of them. It does no I/O itself. */
import type { ClientWorld } from '../client/network-client.ts'
import { Admin } from './admin.ts'
import type { AdminConfig } from './admin-types.ts'
import { Connection } from './connection.ts'
import { logLevel } from './constants.ts'
import { Consumer } from './consumer.ts'
import type { ConsumerConfig } from './consumer-types.ts'
import { KafkaJSNonRetriableError } from './errors.ts'
import { createLogger, type logCreator, type Logger } from './logger.ts'
import { partitionersOf } from './partitioners.ts'
import { Producer, type ProducerConfig } from './producer.ts'
import { retryPolicy, type RetryOptions } from './retry.ts'
import type { KafkaConfig } from './types.ts'

/** What the machine gives. */
export interface KafkaParts {
  readonly world: ClientWorld
  /** Where lines go if the program names no logCreator. */
  readonly logCreator: logCreator
}

export class KafkaClients {
  readonly #world: ClientWorld
  readonly #config: KafkaConfig
  readonly #logger: Logger

  /** @throws KafkaJSNonRetriableError with one sentence. */
  constructor({ world, logCreator: byDefault }: KafkaParts, config: KafkaConfig) {
    this.#world = world
    this.#config = config
    this.#logger = createLogger(config.logLevel ?? logLevel.INFO, config.logCreator ?? byDefault, world.clock)
    // Settings that can't be are told at once, and not at the first connect.
    this.#connection(undefined, undefined)
  }

  producer(config: ProducerConfig = {}): Producer {
    const createPartitioner = config.createPartitioner ?? partitionersOf(this.#world.random).DefaultPartitioner
    const retry = config.idempotent === true ? { retries: Number.MAX_SAFE_INTEGER, ...config.retry } : config.retry
    const connection = this.#connection(retry, config.metadataMaxAge)
    return new Producer({ connection, logger: this.#logger.namespace('Producer'), createPartitioner }, config)
  }

  consumer(config: ConsumerConfig): Consumer {
    if (config === undefined) throw new KafkaJSNonRetriableError('A consumer needs a groupId.')
    const connection = this.#connection(config.retry, config.metadataMaxAge)
    return new Consumer({ connection, logger: this.#logger.namespace('Consumer') }, config)
  }

  admin(config: AdminConfig = {}): Admin {
    const connection = this.#connection(config.retry, undefined)
    return new Admin({ connection, logger: this.#logger.namespace('Admin') })
  }

  logger(): Logger {
    return this.#logger
  }

  #connection(retry: RetryOptions | undefined, metadataMaxAge: number | undefined): Connection {
    return new Connection({
      world: this.#world,
      config: this.#config,
      policy: retryPolicy(this.#config.retry, retry),
      logger: this.#logger.namespace('Connection'),
      metadataMaxAge,
    })
  }
}
