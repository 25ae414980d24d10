/**
 * This broker's membership in the cluster: registration, heartbeats, controlled shutdown (Kafka's BrokerLifecycleManager).
 *
 * A new incarnation registers with its listeners, features and directories and starts fenced; heartbeats unfence it once it
 * has followed the metadata to its own registration. At shutdown the controller moves leadership away and says when to go.
 * A stale epoch or a lost registration registers anew, and so does a broker whose registration was written at a metadata.version
 * without directories, once there is a later one.
 */
import { errorName } from '../base/error-codes.ts'
import { KafkaError, type OperationalError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import type { Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import { directoriesSupported, featureRanges } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { BrokerHeartbeatRequest, type BrokerHeartbeatResponse } from '../protocol/generated/broker-heartbeat.ts'
import { BrokerRegistrationRequest } from '../protocol/generated/broker-registration.ts'
import type { Init } from '../protocol/codec.ts'
import type { Clock, Timer } from '../world/world.ts'
import { UntoldFailures, type FailedDirectory } from './untold-failures.ts'

const REGISTRATION_VERSION = 4
const HEARTBEAT_VERSION = 2
/** After the first heartbeat of a controlled shutdown. */
const SHUTDOWN_RETRY_MS = 50
const UNFENCE_RETRY_MS = 20
const REGISTRATION_RETRY_MS = 500
/** Refusals that time may change. */
const PASSING: ReadonlySet<string> = new Set(['DUPLICATE_BROKER_REGISTRATION', 'REQUEST_TIMED_OUT', 'NOT_CONTROLLER'])
const PROTOCOL_NUMBER = { PLAINTEXT: 0, SSL: 1, SASL_PLAINTEXT: 2, SASL_SSL: 3 } as const

export interface Registration {
  readonly nodeId: number
  readonly clusterId: string
  readonly incarnationId: Uuid
  readonly listeners: readonly {
    readonly name: string
    readonly host: string
    readonly port: number
    readonly securityProtocol: keyof typeof PROTOCOL_NUMBER
  }[]
  readonly features: readonly { readonly name: string; readonly min: number; readonly max: number }[]
  readonly rack: string | null
  readonly directories: readonly Uuid[]
  /** From the clean shutdown markers; -1 if any is missing. */
  readonly previousBrokerEpoch: number
}

export interface BrokerLifecycleOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly controller: ControllerApi
  readonly heartbeatIntervalMs: number
  /** broker.session.timeout.ms */
  readonly sessionTimeoutMs: number
  /** initial.broker.registration.timeout.ms */
  readonly registrationTimeoutMs: number
  readonly registration: Registration
  /** Up to where this broker has followed the metadata. */
  readonly metadataOffset: () => number
  readonly offlineDirectories: () => readonly Uuid[]
  /** log.dir.failure.timeout.ms */
  readonly directoryFailureTimeoutMs: number
  /** The failure of a directory could not be told in time. */
  readonly giveUp: (error: OperationalError) => void
}

export class BrokerLifecycle {
  readonly #options: BrokerLifecycleOptions
  #epoch = -1
  #fenced = true
  #wantShutDown = false
  /** The controller has heard of the shutdown. */
  #askedToGo = false
  #isRefreshing = false
  #timer: Timer | null = null
  #closed = false
  #mayGo: (() => void) | null = null
  /** Runs out when the controller has been silent for a session, in a controlled shutdown. */
  #silence: Timer | null = null
  #heard: (() => void) | null = null
  readonly #untold: UntoldFailures

  constructor(options: BrokerLifecycleOptions) {
    this.#options = options
    this.#untold = new UntoldFailures(options.clock, options.directoryFailureTimeoutMs, options.giveUp)
  }

  /** -1 before the registration. */
  get epoch(): number {
    return this.#epoch
  }

  get isFenced(): boolean {
    return this.#fenced
  }

  /** Registers and sends the first heartbeats; resolves when the broker is unfenced. @throws KafkaError if it is refused. */
  async start(): Promise<void> {
    await this.#registerInTime()
    for (;;) {
      // It has not followed the metadata to its registration yet.
      let retryMs = UNFENCE_RETRY_MS
      try {
        await this.#heartbeat()
      } catch (error) {
        // Once registered it comes up however long the controllers are away.
        if (!this.#closed) this.#options.logger.warn('A heartbeat failed', error)
        retryMs = REGISTRATION_RETRY_MS
      }
      if (!this.#fenced || this.#closed) break
      await this.#pause(retryMs)
    }
    this.#schedule(this.#options.heartbeatIntervalMs)
  }

  /**
   * Tells the controller and waits until it lets go, at most `timeoutMs`. Who gets no answer for a whole session is fenced by now, if
   * there is anybody who could: the last nodes of a cluster that stops have no quorum to ask.
   */
  async controlledShutdown(timeoutMs: number): Promise<void> {
    if (this.#epoch < 0 || this.#closed) return
    this.#wantShutDown = true
    this.#timer?.cancel()
    const { clock, logger } = this.#options
    await new Promise<void>((resolve) => {
      const deadline = clock.at(clock.monotonicMs() + timeoutMs, resolve)
      this.#mayGo = () => {
        deadline.cancel()
        this.#silence?.cancel()
        resolve()
      }
      this.#waitForAnswer(() => {
        logger.info('No controller has answered for a whole session: this broker stops without being let go')
        this.#mayGo?.()
      })
      void this.#beat()
    })
    this.close()
  }

  /** Calls back when no heartbeat is answered for a session from now on. */
  #waitForAnswer(isSilent: () => void): void {
    const { clock, sessionTimeoutMs } = this.#options
    const listen = (): void => {
      this.#silence?.cancel()
      this.#silence = clock.at(clock.monotonicMs() + sessionTimeoutMs, isSilent)
    }
    this.#heard = listen
    listen()
  }

  /** Says again who it is where the metadata has become able to hold its directories: the epoch stays, and so does the fence. */
  follow({ features, cluster }: MetadataImage): void {
    if (this.#epoch < 0 || this.#closed || this.#wantShutDown || this.#isRefreshing) return
    const registered = cluster.brokers.get(this.#options.registration.nodeId)
    if (registered?.epoch !== this.#epoch || registered.directories.length > 0) return
    if (!directoriesSupported(features.metadataVersion)) return
    this.#isRefreshing = true
    this.#ask()
      .catch((error: unknown) => this.#options.logger.warn('The registration could not be renewed', error))
      .finally(() => (this.#isRefreshing = false))
  }

  /** The controller must know now: with a heartbeat at once. */
  directoryFailed(directory: FailedDirectory): void {
    if (this.#closed) return
    this.#untold.failed(directory)
    if (this.#epoch < 0 || this.#closed || this.#wantShutDown) return
    this.#timer?.cancel()
    void this.#beat()
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#silence?.cancel()
    this.#untold.close()
  }

  /** The session of a former incarnation that was killed must run out first. */
  async #registerInTime(): Promise<void> {
    const { clock, logger, registrationTimeoutMs } = this.#options
    const deadlineMs = clock.monotonicMs() + registrationTimeoutMs
    for (;;) {
      try {
        return await this.#register()
      } catch (error) {
        const mayPass = error instanceof KafkaError && PASSING.has(error.code)
        if (!mayPass || this.#closed || clock.monotonicMs() + REGISTRATION_RETRY_MS > deadlineMs) throw error
        logger.info(`The registration is tried again: ${error.message}`)
        await this.#pause(REGISTRATION_RETRY_MS)
      }
    }
  }

  #pause(forMs: number): Promise<void> {
    const { clock } = this.#options
    return new Promise((resolve) => void clock.at(clock.monotonicMs() + forMs, resolve))
  }

  async #register(): Promise<void> {
    await this.#ask()
    this.#fenced = true
    this.#options.logger.info(`Registered broker ${this.#options.registration.nodeId} with broker epoch ${this.#epoch}`)
  }

  async #ask(): Promise<void> {
    const { controller, registration } = this.#options
    const request = BrokerRegistrationRequest.make({
      brokerId: registration.nodeId,
      clusterId: registration.clusterId,
      incarnationId: registration.incarnationId,
      listeners: registration.listeners.map(({ name, host, port, securityProtocol }) => ({
        name,
        host,
        port,
        securityProtocol: PROTOCOL_NUMBER[securityProtocol],
      })),
      features: featureRanges(registration.features),
      rack: registration.rack,
      logDirs: registration.directories,
      previousBrokerEpoch: registration.previousBrokerEpoch,
    })
    const { errorCode = 0, brokerEpoch = -1 } = await controller.registerBroker(request, {
      apiVersion: REGISTRATION_VERSION,
      clientHost: null,
    })
    if (errorCode !== 0) {
      const code = errorName(errorCode) ?? 'UNKNOWN_SERVER_ERROR'
      throw new KafkaError(code, `the controller refused the registration of broker ${registration.nodeId}: ${code}`)
    }
    this.#epoch = clampInt64(brokerEpoch)
  }

  async #heartbeat(): Promise<Init<BrokerHeartbeatResponse>> {
    const { controller, logger, registration, metadataOffset } = this.#options
    const offlineLogDirs = this.#options.offlineDirectories()
    const request = BrokerHeartbeatRequest.make({
      brokerId: registration.nodeId,
      brokerEpoch: this.#epoch,
      currentMetadataOffset: metadataOffset(),
      wantFence: false,
      wantShutDown: this.#wantShutDown,
      offlineLogDirs,
      cordonedLogDirs: [],
    })
    const answer = await controller.brokerHeartbeat(request, { apiVersion: HEARTBEAT_VERSION, clientHost: null })
    this.#heard?.()
    const code = errorName(answer.errorCode ?? 0)
    if (code === 'STALE_BROKER_EPOCH' || code === 'BROKER_ID_NOT_REGISTERED') {
      if (!this.#wantShutDown) {
        logger.warn(`The controller refuses this broker's heartbeats (${code}): it registers anew`)
        await this.#register()
      }
    } else if (code === 'NONE') {
      this.#fenced = answer.isFenced ?? true
      this.#untold.told(offlineLogDirs)
    }
    return answer
  }

  #schedule(afterMs: number): void {
    if (this.#closed) return
    const { clock } = this.#options
    this.#timer?.cancel()
    this.#timer = clock.at(clock.monotonicMs() + afterMs, () => void this.#beat())
  }

  async #beat(): Promise<void> {
    let next = this.#options.heartbeatIntervalMs
    try {
      const answer = await this.#heartbeat()
      if (this.#wantShutDown && (answer.shouldShutDown === true || (answer.errorCode ?? 0) !== 0)) this.#mayGo?.()
      // Leaderships often move at once: ask soon, but only once.
      else if (this.#wantShutDown && !this.#askedToGo) {
        this.#askedToGo = true
        next = SHUTDOWN_RETRY_MS
      }
    } catch (error) {
      this.#options.logger.warn('A heartbeat failed', error)
    }
    this.#schedule(next)
  }
}
