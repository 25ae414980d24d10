/** One node as the sender sees it: its connection, how much is on the wire, and until when it asked to be left alone. */
import type { BrokerConnection } from '../../rpc/broker-connection.ts'
import type { NetworkClient } from '../network-client.ts'
import type { PartitionQueue } from './partition-queue.ts'

export class NodeChannel {
  readonly nodeId: number
  /** Produce requests without an answer. */
  inFlight = 0
  /** Monotonic: nothing is sent before (KIP-219). */
  throttledUntilMs = 0
  /** Where the next look at its partitions begins, so that none starves. */
  turn = 0
  /** Why the last attempt to connect failed. */
  lastError: Error | null = null
  /** Monotonic: it took something, and it had something to take. For the choice of partitions (KIP-794). */
  drainedMs: number
  readyMs: number
  /** Of one look at the queues: those that the node leads and that have batches. */
  readonly queues: PartitionQueue[] = []
  isReady = false
  readonly #network: NetworkClient
  readonly #wake: () => void
  #connection: BrokerConnection | null = null
  #isOpening = false
  #notBeforeMs = 0

  constructor(nodeId: number, network: NetworkClient, wake: () => void) {
    this.nodeId = nodeId
    this.#network = network
    this.#wake = wake
    this.drainedMs = network.world.clock.monotonicMs()
    this.readyMs = this.drainedMs
  }

  /** The connection if there is one; else one is made, and `wake` called. */
  connection(nowMs: number): BrokerConnection | null {
    const connection = this.#connection
    if (connection !== null && !connection.isClosed) return connection
    this.#connection = null
    if (!this.#isOpening && nowMs >= this.#notBeforeMs) void this.#open()
    return null
  }

  /** Monotonic: when it is worth to ask for a connection again. */
  get retryMs(): number {
    return this.#isOpening || this.#connection !== null ? Infinity : this.#notBeforeMs
  }

  async #open(): Promise<void> {
    this.#isOpening = true
    try {
      this.#connection = await this.#network.connection(this.nodeId)
      this.lastError = null
    } catch (error) {
      this.lastError = error instanceof Error ? error : new Error(String(error))
      this.#network.refreshSoon()
      this.#notBeforeMs = this.#network.world.clock.monotonicMs() + this.#network.options.retryBackoffMs
    }
    this.#isOpening = false
    this.#wake()
  }
}
