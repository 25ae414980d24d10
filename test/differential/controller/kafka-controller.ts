/**
 * A controller of Apache Kafka with brokers that are this process: it registers them, hears of those that live, and reads what the
 * controller has written from its metadata log.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Uuid } from '../../../src/base/uuid.ts'
import { ELR_VERSION } from '../../../src/metadata/features.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../../../src/metadata/image.ts'
import { LogReplay } from '../../../src/metadata/log-replay.ts'
import type { Api, Init } from '../../../src/protocol/codec.ts'
import { BrokerHeartbeat } from '../../../src/protocol/generated/broker-heartbeat.ts'
import { BrokerRegistration } from '../../../src/protocol/generated/broker-registration.ts'
import { BatchCursor } from '../../../src/records/batches.ts'
import { BrokerConnection, type BrokerConnectionOptions } from '../../../src/rpc/broker-connection.ts'
import { ERROR_CODES } from '../../../src/base/error-codes.ts'
import { directoryId } from '../../../src/testing/decided-cluster.ts'
import { sleep } from '../server.ts'

const HEARTBEAT_MS = 250
const WAIT_MS_MAX = 30_000
/** Whatever the log holds, the broker knows it. */
const CAUGHT_UP = 1_000_000_000

interface Wishes {
  epoch: number
  wantFence: boolean
  wantShutDown: boolean
}

export class KafkaController {
  readonly #connection: BrokerConnection
  readonly #dataDirectory: string
  readonly #clusterId: string
  readonly #living = new Map<number, Wishes>()
  #incarnations = 0
  #isClosed = false

  private constructor(connection: BrokerConnection, dataDirectory: string, clusterId: string) {
    this.#connection = connection
    this.#dataDirectory = dataDirectory
    this.#clusterId = clusterId
  }

  static async connect(
    port: number,
    dataDirectory: string,
    options: BrokerConnectionOptions,
  ): Promise<KafkaController> {
    const connection = await BrokerConnection.open({ host: '127.0.0.1', port }, options)
    const properties = readFileSync(join(dataDirectory, 'meta.properties'), 'utf8')
    const controller = new KafkaController(connection, dataDirectory, /cluster\.id=(.*)/.exec(properties)?.[1] ?? '')
    // What closes the connection ends it too; a controller that does not answer is told of by the next step.
    controller.#keepAlive().catch(() => {})
    return controller
  }

  ask<Request, Response>(api: Api<Request, Response>, request: Init<Request>): Promise<Response> {
    return this.#connection.request(api, request)
  }

  /** A new process; waits until the session of the one before has ended. */
  async register(brokerId: number, previousBrokerEpoch: number): Promise<void> {
    this.#living.delete(brokerId)
    this.#incarnations += 1
    const request = {
      brokerId,
      clusterId: this.#clusterId,
      incarnationId: `iiiiiiiiiiiiiiiii${String(this.#incarnations).padStart(3, '0')}DA` as Uuid,
      listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 1, securityProtocol: 0 }],
      features: [
        { name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 },
        { name: 'transaction.version', minSupportedVersion: 0, maxSupportedVersion: 2 },
        { name: ELR_VERSION, minSupportedVersion: 0, maxSupportedVersion: 1 },
      ],
      logDirs: [directoryId(brokerId)],
      previousBrokerEpoch,
    }
    await this.until(`broker ${brokerId} is registered`, async () => {
      const { errorCode, brokerEpoch } = await this.ask(BrokerRegistration, request)
      if (errorCode === ERROR_CODES.DUPLICATE_BROKER_REGISTRATION) return false
      if (errorCode !== 0) throw new Error(`registration of ${brokerId}: ${errorCode}`)
      this.#living.set(brokerId, { epoch: Number(brokerEpoch), wantFence: true, wantShutDown: false })
      return true
    })
  }

  /** From now on heard of no more. */
  kill(brokerId: number): void {
    this.#living.delete(brokerId)
  }

  async heartbeat(brokerId: number, wishes: Partial<Wishes>) {
    const living = this.#living.get(brokerId)
    if (living === undefined) throw new Error(`broker ${brokerId} is down`)
    Object.assign(living, wishes)
    const { epoch: brokerEpoch, ...wants } = living
    return this.ask(BrokerHeartbeat, { brokerId, brokerEpoch, currentMetadataOffset: CAUGHT_UP, ...wants })
  }

  /** Of all that is in the log. */
  image(): MetadataImage {
    const bytes = readFileSync(join(this.#dataDirectory, '__cluster_metadata-0', '00000000000000000000.log'))
    const replay = new LogReplay(EMPTY_IMAGE)
    for (const cursor = new BatchCursor().reset(bytes); cursor.next();) replay.replayBatch(bytes, cursor.at)
    return replay.take().image
  }

  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    for (const endMs = performance.now() + WAIT_MS_MAX; !(await holds());) {
      if (performance.now() > endMs) throw new Error(`not in ${WAIT_MS_MAX} ms: ${what}`)
      await sleep(50)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#connection.close('done')
  }

  async #keepAlive(): Promise<void> {
    for (;;) {
      for (const brokerId of [...this.#living.keys()]) {
        if (this.#isClosed) return
        if (this.#living.has(brokerId)) await this.heartbeat(brokerId, {})
      }
      await sleep(HEARTBEAT_MS)
    }
  }
}
