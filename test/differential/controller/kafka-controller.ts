/**
 * A controller of Apache Kafka with brokers that are this process: it registers them, hears of those that live, and reads what the
 * controller has written from its metadata log.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Uuid } from '../../../src/base/uuid.ts'
import { ELR_VERSION } from '../../../src/metadata/features.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../../../src/metadata/image.ts'
import { decodeBatch, LogReplay } from '../../../src/metadata/log-replay.ts'
import type { MetadataRecord } from '../../../src/metadata/metadata-records.ts'
import type { Api, Init } from '../../../src/protocol/codec.ts'
import { BrokerHeartbeat } from '../../../src/protocol/generated/broker-heartbeat.ts'
import {
  BrokerRegistration,
  type BrokerRegistrationRequest,
} from '../../../src/protocol/generated/broker-registration.ts'
import { isControl } from '../../../src/records/batch.ts'
import { BatchCursor } from '../../../src/records/batches.ts'
import { BrokerConnection, type BrokerConnectionOptions } from '../../../src/rpc/broker-connection.ts'
import { sleep } from '../server.ts'
import { directoriesOf } from './steps.ts'

const HEARTBEAT_MS = 250
const WAIT_MS_MAX = 30_000
/** Whatever the log holds, the broker knows it. */
const CAUGHT_UP = 1_000_000_000
/** Of Kafka's process. */
const OWN_BROKER = 1

interface Wishes {
  epoch: number
  wantFence: boolean
  wantShutDown: boolean
  offlineLogDirs: readonly Uuid[]
  cordonedLogDirs: readonly Uuid[] | null
}

/** Kafka has fenced a broker that this process should have been heard of: it was kept waiting, and nothing can be said. */
export class SessionLost extends Error {}

export class KafkaController {
  readonly #connection: BrokerConnection
  readonly #dataDirectory: string
  readonly #clusterId: string
  readonly #living = new Map<number, Wishes>()
  #incarnations = 0
  #isClosed = false
  readonly #replay = new LogReplay(EMPTY_IMAGE)
  #image: MetadataImage = EMPTY_IMAGE
  /** How much of the log is read, in bytes. */
  #readTo = 0
  #unseen: MetadataRecord[] = []
  /** By broker. */
  readonly #fences = new Map<number, number>()

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
    const isServing = (): boolean => controller.image().cluster.brokers.get(OWN_BROKER)?.fenced === false
    await controller.until('its own broker serves', isServing)
    // What closes the connection ends it too; a controller that does not answer is told of by the next step.
    controller.#keepAlive().catch(() => {})
    return controller
  }

  ask<Request, Response>(api: Api<Request, Response>, request: Init<Request>): Promise<Response> {
    return this.#connection.request(api, request)
  }

  get clusterId(): string {
    return this.#clusterId
  }

  /** A new process, whose predecessor has no session any more. Returns what it said. */
  async register(brokerId: number, previousBrokerEpoch: number): Promise<Init<BrokerRegistrationRequest>> {
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
      rack: `rack ${brokerId % 2}`,
      logDirs: directoriesOf(brokerId),
      previousBrokerEpoch,
    }
    const { errorCode, brokerEpoch } = await this.ask(BrokerRegistration, request)
    if (errorCode !== 0) throw new Error(`registration of ${brokerId}: ${errorCode}`)
    const wishes = { wantFence: true, wantShutDown: false, offlineLogDirs: [], cordonedLogDirs: null }
    this.#living.set(brokerId, { epoch: Number(brokerEpoch), ...wishes })
    return request
  }

  get living(): number[] {
    return [...this.#living.keys()]
  }

  /** From now on heard of no more; waits for the end of its session, which is written. */
  async kill(brokerId: number): Promise<void> {
    this.#read()
    const before = this.#fences.get(brokerId) ?? 0
    this.#living.delete(brokerId)
    await this.until(`the session of broker ${brokerId} has ended`, () => {
      this.#read()
      return (this.#fences.get(brokerId) ?? 0) > before
    })
  }

  async heartbeat(brokerId: number, wishes: Partial<Wishes>) {
    const living = this.#living.get(brokerId)
    if (living === undefined) throw new Error(`broker ${brokerId} is down`)
    Object.assign(living, wishes)
    const { epoch: brokerEpoch, ...wants } = living
    return this.ask(BrokerHeartbeat, { brokerId, brokerEpoch, currentMetadataOffset: CAUGHT_UP, ...wants })
  }

  wishesOf(brokerId: number): Omit<Wishes, 'epoch'> {
    const living = this.#living.get(brokerId)
    if (living === undefined) throw new Error(`broker ${brokerId} is down`)
    const { epoch: _, ...wishes } = living
    return wishes
  }

  /** Of all that is in the log. */
  image(): MetadataImage {
    this.#read()
    return this.#image
  }

  /** What came to the log since the last call. @throws SessionLost */
  newRecords(): MetadataRecord[] {
    this.#read()
    const records = this.#unseen
    this.#unseen = []
    for (const { type, data } of records) {
      if (type !== 'BrokerRegistrationChangeRecord' || data.fenced !== 1) continue
      const living = this.#living.get(data.brokerId)
      const isWanted = living === undefined ? data.brokerId !== OWN_BROKER : living.wantFence || living.wantShutDown
      if (!isWanted) throw new SessionLost(`broker ${data.brokerId} was fenced`)
    }
    return records
  }

  #read(): void {
    const bytes = readFileSync(join(this.#dataDirectory, '__cluster_metadata-0', '00000000000000000000.log'))
    for (const cursor = new BatchCursor().reset(bytes, this.#readTo); cursor.next();) {
      this.#replay.replayBatch(bytes, cursor.at)
      const records = isControl(bytes, cursor.at) ? [] : decodeBatch(bytes, cursor.at)
      this.#unseen.push(...records)
      for (const { type, data } of records) {
        if (type !== 'BrokerRegistrationChangeRecord' || data.fenced !== 1) continue
        this.#fences.set(data.brokerId, (this.#fences.get(data.brokerId) ?? 0) + 1)
      }
      this.#readTo = cursor.position
    }
    this.#image = this.#replay.take().image
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
        // Who wants to shut down asks until it may, and not once more: that would be written.
        if (this.#living.get(brokerId)?.wantShutDown === false) await this.heartbeat(brokerId, {})
      }
      await sleep(HEARTBEAT_MS)
    }
  }
}
