/**
 * The connections of one client: at most one per node and lane, made when first asked for, made again after a pause that
 * grows while a node refuses.
 *
 * A lane is a reason to wait on its own: answers of one connection come in order, and a heartbeat must not wait behind a
 * Fetch that the broker holds. A failed authentication ends what waits and is tried again by the next who asks.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import { BrokerConnection, type BrokerConnectionOptions } from '../rpc/broker-connection.ts'
import type { Random } from '../world/world.ts'
import { backoffMs, pause, type BackoffOptions } from './call.ts'
import type { Address } from './client-options.ts'
import { ClientError } from './errors.ts'

/**
 * `data` for what is answered at once, `fetch` for what waits for records, `coordinator` for groups and transactions, `join`
 * for what waits until all members of a group have come.
 */
export type Lane = 'data' | 'fetch' | 'coordinator' | 'join'

/** A node of the cluster by id, or an address that was given at the start. */
export type ConnectionKey = number | `${string}:${number}`

interface Entry {
  readonly address: Address
  connection: BrokerConnection | null
  opening: Promise<BrokerConnection> | null
  /** Attempts in a row that failed. */
  failures: number
  /** Monotonic: no attempt before. */
  notBeforeMs: number
  /** The node has another address by now, and an entry for that. */
  isGone: boolean
}

const MOVED = 'the node has another address now'

export class NodeConnections {
  readonly #options: BrokerConnectionOptions & { readonly random: Random; readonly backoff: BackoffOptions }
  readonly #entries = new Map<string, Entry>()
  readonly #closing = new AbortController()

  constructor(options: BrokerConnectionOptions & { readonly random: Random; readonly backoff: BackoffOptions }) {
    this.#options = options
  }

  /** Rejects as BrokerConnection.open does, or with ClientError CLOSED. */
  async get(key: ConnectionKey, lane: Lane, address: Address): Promise<BrokerConnection> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason
    const entry = this.#entryOf(`${key}/${lane}`, address)
    if (entry.connection !== null && !entry.connection.isClosed) return entry.connection
    entry.opening ??= this.#open(entry).finally(() => (entry.opening = null))
    return entry.opening
  }

  /** The one that is open now, if any. */
  peek(key: ConnectionKey, lane: Lane): BrokerConnection | null {
    const connection = this.#entries.get(`${key}/${lane}`)?.connection ?? null
    return connection?.isClosed === false ? connection : null
  }

  /** The next attempt must wait: this node refused of late. */
  isBackingOff(key: ConnectionKey, lane: Lane): boolean {
    const entry = this.#entries.get(`${key}/${lane}`)
    return entry !== undefined && entry.notBeforeMs > this.#options.clock.monotonicMs()
  }

  /** Ends what waits. Idempotent. */
  close(): void {
    if (!this.#closing.signal.aborted) this.#closing.abort(new ClientError('CLOSED', 'The client is closed.'))
    for (const { connection } of this.#entries.values()) connection?.close()
    this.#entries.clear()
  }

  /** A node that moved to another address gets a connection of its own, and no pause for the sins of the old. */
  #entryOf(name: string, address: Address): Entry {
    const known = this.#entries.get(name)
    if (known !== undefined && known.address.host === address.host && known.address.port === address.port) return known
    if (known !== undefined) {
      known.isGone = true
      known.connection?.close(MOVED)
    }
    const entry: Entry = { address, connection: null, opening: null, failures: 0, notBeforeMs: 0, isGone: false }
    this.#entries.set(name, entry)
    return entry
  }

  async #open(entry: Entry): Promise<BrokerConnection> {
    const { clock, random, backoff } = this.#options
    const { signal } = this.#closing
    const waitMs = entry.notBeforeMs - clock.monotonicMs()
    if (waitMs > 0) await pause(clock, waitMs, signal)
    try {
      const connection = await BrokerConnection.open(entry.address, this.#options, signal)
      if (signal.aborted) {
        connection.close()
        throw signal.reason
      }
      if (entry.isGone) {
        connection.close(MOVED)
        throw new OperationalError('NETWORK_FAILED', MOVED)
      }
      entry.connection = connection
      entry.failures = 0
      // A broker that accepts and drops must not be asked in a loop.
      entry.notBeforeMs = clock.monotonicMs() + backoff.firstMs
      return connection
    } catch (error) {
      if (signal.aborted) throw signal.reason
      entry.failures += 1
      entry.notBeforeMs = clock.monotonicMs() + backoffMs(backoff, entry.failures, random)
      // The same certificate fails again: nothing that waiting would mend.
      if (error instanceof OperationalError && error.code === 'TLS_FAILED') {
        throw new ClientError('AUTHENTICATION_FAILED', error.message, { cause: error })
      }
      if (error instanceof KafkaError || error instanceof ClientError || error instanceof OperationalError) throw error
      throw new OperationalError('NETWORK_FAILED', error instanceof Error ? error.message : String(error), {
        cause: error,
      })
    }
  }
}
