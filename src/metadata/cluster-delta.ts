/** Replays registrations of brokers and controllers on a ClusterImage. */
import { OperationalError } from '../base/errors.ts'
import { clampInt64, type Int64 } from '../base/int64.ts'
import type { BrokerRegistrationChangeRecord } from '../protocol/generated/broker-registration-change-record.ts'
import type { RegisterBrokerRecord } from '../protocol/generated/register-broker-record.ts'
import type { RegisterControllerRecord } from '../protocol/generated/register-controller-record.ts'
import type { UnregisterBrokerRecord } from '../protocol/generated/unregister-broker-record.ts'
import type { BrokerImage, ClusterImage, ControllerImage, EndpointImage, FeatureRange } from './cluster-image.ts'

export class ClusterDelta {
  readonly #image: ClusterImage
  /** Null: unregistered. */
  readonly #brokers = new Map<number, BrokerImage | null>()
  readonly #controllers = new Map<number, ControllerImage>()

  constructor(image: ClusterImage) {
    this.#image = image
  }

  registerBroker(record: RegisterBrokerRecord): void {
    this.#brokers.set(record.brokerId, {
      id: record.brokerId,
      epoch: clampInt64(record.brokerEpoch),
      incarnationId: record.incarnationId,
      listeners: record.endPoints.map(endpointOf),
      features: record.features.map(featureOf),
      rack: record.rack,
      fenced: record.fenced,
      inControlledShutdown: record.inControlledShutdown,
      directories: record.logDirs,
      cordonedDirectories: record.cordonedLogDirs,
      isMigratingZkBroker: record.isMigratingZkBroker,
    })
  }

  unregisterBroker(record: UnregisterBrokerRecord): void {
    this.#broker(record.brokerId, record.brokerEpoch, 'UnregisterBrokerRecord')
    this.#brokers.set(record.brokerId, null)
  }

  setFenced(id: number, epoch: Int64, fenced: boolean): void {
    const broker = this.#broker(id, epoch, fenced ? 'FenceBrokerRecord' : 'UnfenceBrokerRecord')
    this.#brokers.set(id, { ...broker, fenced })
  }

  changeBroker(record: BrokerRegistrationChangeRecord): void {
    const broker = this.#broker(record.brokerId, record.brokerEpoch, 'BrokerRegistrationChangeRecord')
    this.#brokers.set(record.brokerId, {
      ...broker,
      fenced: changedFlag(broker.fenced, record.fenced),
      inControlledShutdown: changedFlag(broker.inControlledShutdown, record.inControlledShutdown),
      directories: record.logDirs.length > 0 ? record.logDirs : broker.directories,
      cordonedDirectories: record.cordonedLogDirs ?? broker.cordonedDirectories,
    })
  }

  registerController(record: RegisterControllerRecord): void {
    this.#controllers.set(record.controllerId, {
      id: record.controllerId,
      incarnationId: record.incarnationId,
      zkMigrationReady: record.zkMigrationReady,
      listeners: record.endPoints.map(endpointOf),
      features: record.features.map(featureOf),
    })
  }

  changedBrokers(): number[] {
    return [...this.#brokers.keys()]
  }

  apply(): ClusterImage {
    if (this.#brokers.size === 0 && this.#controllers.size === 0) return this.#image
    const brokers = new Map(this.#image.brokers)
    for (const [id, broker] of this.#brokers) {
      if (broker === null) brokers.delete(id)
      else brokers.set(id, broker)
    }
    return { brokers, controllers: new Map([...this.#image.controllers, ...this.#controllers]) }
  }

  #broker(id: number, epoch: Int64, what: string): BrokerImage {
    const broker = this.#brokers.has(id) ? this.#brokers.get(id) : this.#image.brokers.get(id)
    if (!broker)
      throw new OperationalError('LOG_CORRUPT', `metadata log: ${what} for broker ${id}, which isn't registered`)
    if (broker.epoch !== clampInt64(epoch)) {
      const detail = `${what} for epoch ${epoch} of broker ${id}, which has epoch ${broker.epoch}`
      throw new OperationalError('LOG_CORRUPT', `metadata log: ${detail}`)
    }
    return broker
  }
}

/** 1 sets, -1 clears, 0 leaves. */
function changedFlag(before: boolean, change: number): boolean {
  return change === 0 ? before : change > 0
}

function endpointOf(endpoint: EndpointImage): EndpointImage {
  const { name, host, port, securityProtocol } = endpoint
  return { name, host, port, securityProtocol }
}

function featureOf(feature: FeatureRange): FeatureRange {
  const { name, minSupportedVersion, maxSupportedVersion } = feature
  return { name, minSupportedVersion, maxSupportedVersion }
}
