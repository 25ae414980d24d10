/**
 * The client's door: settings of one cluster, and the clients that are made of them. It does no I/O itself; each client
 * connects when it is first used. Closing it closes whatever was made of it and is still open.
 */
import { AdminClient } from './admin/admin.ts'
import { Consumer } from './consumer/consumer.ts'
import { CONSUMER_OPTIONS, type ConsumerOptions } from './consumer/consumer-options.ts'
import { ShareConsumer } from './share/share-consumer.ts'
import { SHARE_OPTIONS, type ShareConsumerOptions } from './share/share-options.ts'
import { checkOptions, exactly } from './check-options.ts'
import {
  CLIENT_OPTIONS,
  resolveClientOptions,
  type ClientOptions,
  type ResolvedClientOptions,
} from './client-options.ts'
import { ClientError } from './errors.ts'
import type { ClientWorld } from './network-client.ts'
import type { Bytes } from './producer/producer-record.ts'
import { PRODUCER_OPTIONS, type ProducerOptions } from './producer/producer-options.ts'
import { Producer } from './producer/producer.ts'

/** What `Klamm` makes. */
interface Closable {
  readonly isClosed: boolean
  close(): Promise<void>
}

/** Options of the cluster are given once. */
const elsewhere = { 'new Klamm': CLIENT_OPTIONS }
const OF_CLUSTERS = exactly(CLIENT_OPTIONS)
const OF_CONSUMERS = exactly(CONSUMER_OPTIONS, { ...elsewhere, producer: PRODUCER_OPTIONS })
const OF_PRODUCERS = exactly(PRODUCER_OPTIONS, { ...elsewhere, consumer: CONSUMER_OPTIONS })
const OF_SHARE_CONSUMERS = exactly(SHARE_OPTIONS, elsewhere)

export class KlammClient implements AsyncDisposable {
  readonly #world: ClientWorld
  readonly #options: ResolvedClientOptions
  readonly #open = new Set<Closable>()
  #isClosed = false

  /** @throws ClientError INVALID_ARGUMENT with one sentence. */
  constructor(world: ClientWorld, options: ClientOptions) {
    this.#world = world
    checkOptions('new Klamm', OF_CLUSTERS, options)
    this.#options = resolveClientOptions(options)
  }

  /** @throws ClientError INVALID_ARGUMENT with one sentence. */
  consumer<K = Buffer, V = Buffer>(options: ConsumerOptions<K, V> = {}): Consumer<K, V> {
    checkOptions('consumer', OF_CONSUMERS, options)
    return this.made((world, client) => new Consumer(world, { ...client, ...options }))
  }

  /**
   * Keys and values are strings or bytes, or what the serdes `key` and `value` take.
   * @throws ClientError INVALID_ARGUMENT with one sentence.
   */
  producer<Key = Bytes, Value = Bytes>(options: ProducerOptions<Key, Value> = {}): Producer<Key, Value> {
    checkOptions('producer', OF_PRODUCERS, options)
    return this.made((world, client) => new Producer<Key, Value>(world, client, options))
  }

  /** @throws ClientError INVALID_ARGUMENT with one sentence. */
  shareConsumer<K = Buffer, V = Buffer>(options: ShareConsumerOptions<K, V>): ShareConsumer<K, V> {
    checkOptions('shareConsumer', OF_SHARE_CONSUMERS, options)
    return this.made((world, client) => new ShareConsumer(world, { ...client, ...options }))
  }

  /** Closes every client that was made here. Idempotent; rejects if one of them could not close in order. */
  async close(): Promise<void> {
    this.#isClosed = true
    const open = [...this.#open]
    this.#open.clear()
    await Promise.all(open.map((client) => client.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** What may be asked and changed about the cluster. */
  admin(): AdminClient {
    return this.made((world, options) => new AdminClient(world, options), 'any')
  }

  /**
   * @internal Remembers a client of this cluster, so that `close` closes it. For the methods that make one.
   * @throws ClientError INVALID_ARGUMENT where controllers are asked directly, unless `endpoint` is `any`; CLOSED.
   */
  made<Client extends Closable>(
    make: (world: ClientWorld, options: ResolvedClientOptions) => Client,
    endpoint: 'brokers' | 'any' = 'brokers',
  ): Client {
    if (this.#isClosed) throw new ClientError('CLOSED', 'This Klamm is closed: make another one.')
    if (endpoint === 'brokers' && this.#options.endpoint === 'controllers') {
      throw new ClientError('INVALID_ARGUMENT', 'Controllers have no records: give brokers in place of controllers.')
    }
    for (const client of this.#open) if (client.isClosed) this.#open.delete(client)
    const client = make(this.#world, this.#options)
    this.#open.add(client)
    return client
  }
}
