/**
 * The life of a broker as the controller sees it: registered (fenced), unfenced when it has caught up with its own
 * registration, in controlled shutdown while its leaderships move, fenced again when it says so or is not heard of.
 * BrokerRegistration v2 adds log directories, v3 the previous epoch; BrokerHeartbeat v1 offline, v2 cordoned directories.
 *
 * What changes of partitions is written before what makes it so: a log that ends in between has no leader that is fenced.
 */
import { KafkaError } from '../base/errors.ts'
import { clampInt64, type Int64 } from '../base/int64.ts'
import { uuidToBytes, type Uuid } from '../base/uuid.ts'
import type { Init } from '../protocol/codec.ts'
import type { BrokerHeartbeatRequest, BrokerHeartbeatResponse } from '../protocol/generated/broker-heartbeat.ts'
import type {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from '../protocol/generated/broker-registration.ts'
import type { UnregisterBrokerRequest, UnregisterBrokerResponse } from '../protocol/generated/unregister-broker.ts'
import { isActive, type BrokerImage } from '../metadata/cluster-image.ts'
import { cordonedDirectoriesSupported, directoriesSupported, elrFinalised } from '../metadata/features.ts'
import { brokerRecord } from '../metadata/image-records.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import { NOT_SHUTTING_DOWN, type BrokerSession } from './broker-sessions.ts'
import type { ControllerState, Decision } from './decision.ts'
import {
  brokerArrives,
  brokerIsUnregistered,
  brokerLeaves,
  brokerLosesReplicas,
  directoriesFail,
} from './leadership-changes.ts'
import { checkRegisteredFeatures } from './registered-features.ts'

const RESERVED_DIRECTORY_IDS = 100

/**
 * `kraftVersion` is the quorum's, which no metadata record tells.
 * @throws KafkaError, which answers the request.
 */
export function registerBroker(
  state: ControllerState,
  request: BrokerRegistrationRequest,
  apiVersion: number,
  kraftVersion: number,
): Decision<Init<BrokerRegistrationResponse>> {
  const { image, settings, sessions, nowMs } = state
  const level = image.features.metadataVersion
  const { brokerId, incarnationId } = request
  if (request.clusterId !== settings.clusterId) {
    const detail = `Expected cluster ID ${settings.clusterId}, but got cluster ID ${request.clusterId}`
    throw new KafkaError('INCONSISTENT_CLUSTER_ID', detail)
  }
  const before = image.cluster.brokers.get(brokerId) ?? null
  const sameIncarnation = before !== null && before.incarnationId === incarnationId
  if (before !== null && !sameIncarnation && sessions.isLive(brokerId, nowMs, settings.brokerSessionTimeoutMs)) {
    const detail = `Another broker is registered with that broker id. If the broker was recently restarted this should self-resolve once the heartbeat manager expires the broker's session.`
    throw new KafkaError('DUPLICATE_BROKER_REGISTRATION', detail)
  }
  if (request.isMigratingZkBroker) {
    throw new KafkaError('BROKER_ID_NOT_REGISTERED', 'Controller does not support registering ZK brokers.')
  }
  if (directoriesSupported(level)) checkDirectories(state, request)
  checkRegisteredFeatures(image.features, kraftVersion, request.features)
  const epoch = sameIncarnation ? before.epoch : state.nextOffset
  const broker: BrokerImage = {
    id: brokerId,
    epoch,
    incarnationId,
    listeners: request.listeners,
    features: request.features,
    rack: request.rack,
    fenced: sameIncarnation ? before.fenced : true,
    inControlledShutdown: sameIncarnation && before.inControlledShutdown,
    directories: request.logDirs,
    cordonedDirectories: null,
    isMigratingZkBroker: false,
  }
  const records = sameIncarnation ? [] : predecessorRecords(state, before, request, apiVersion)
  records.push(brokerRecord(broker, level))
  if (!sameIncarnation) sessions.register(brokerId, state.nextOffset + records.length - 1)
  return { records, answer: { errorCode: 0, brokerEpoch: epoch }, atomic: false }
}

/** A new process does not go on with what its predecessor led, and may have less than that had. */
function predecessorRecords(
  state: ControllerState,
  before: BrokerImage | null,
  { brokerId, previousBrokerEpoch }: BrokerRegistrationRequest,
  apiVersion: number,
): MetadataRecord[] {
  const saysClean = apiVersion >= 3 && before !== null && clampInt64(previousBrokerEpoch) === before.epoch
  return elrFinalised(state.image.features.levels) && !saysClean
    ? brokerLosesReplicas(state, brokerId)
    : brokerLeaves(state, brokerId)
}

function checkDirectories({ image }: ControllerState, request: BrokerRegistrationRequest): void {
  const { logDirs, brokerId } = request
  if (logDirs.length === 0) throw new KafkaError('INVALID_REGISTRATION', 'No directories specified in request')
  if (logDirs.some(isReserved)) throw new KafkaError('INVALID_REGISTRATION', 'Reserved directory ID in request')
  if (new Set(logDirs).size !== logDirs.length) {
    throw new KafkaError('INVALID_REGISTRATION', 'Duplicate directory ID in request')
  }
  for (const directory of logDirs) {
    for (const other of image.cluster.brokers.values()) {
      if (other.id !== brokerId && other.directories.includes(directory)) {
        const detail = `Broker ${other.id} is already registered with directory ${directory}`
        throw new KafkaError('INVALID_REGISTRATION', detail)
      }
    }
  }
}

function isReserved(id: Uuid): boolean {
  const bytes = uuidToBytes(id)
  return bytes.subarray(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) < RESERVED_DIRECTORY_IDS
}

/** @throws KafkaError STALE_BROKER_EPOCH, of a broker that nobody knows too. */
export function checkedBroker(state: ControllerState, brokerId: number, brokerEpoch: Int64): BrokerImage {
  const broker = state.image.cluster.brokers.get(brokerId)
  if (broker === undefined)
    throw new KafkaError('STALE_BROKER_EPOCH', `No broker registration found for broker id ${brokerId}`)
  if (broker.epoch !== clampInt64(brokerEpoch)) {
    const detail = `Expected broker epoch ${broker.epoch}, but got broker epoch ${brokerEpoch}`
    throw new KafkaError('STALE_BROKER_EPOCH', detail)
  }
  return broker
}

type BrokerState = 'fenced' | 'unfenced' | 'controlled shutdown' | 'shut down now'

/** @throws KafkaError, which answers the request. */
export function brokerHeartbeat(
  state: ControllerState,
  request: BrokerHeartbeatRequest,
): Decision<Init<BrokerHeartbeatResponse>> {
  const { sessions, nowMs, nextOffset } = state
  const broker = checkedBroker(state, request.brokerId, request.brokerEpoch)
  const metadataOffset = clampInt64(request.currentMetadataOffset)
  const session = sessions.touch(broker.id, nowMs)
  session.metadataOffset = metadataOffset
  const isCaughtUp = metadataOffset >= Math.max(broker.epoch, session.registrationOffset)
  const before = stateOf(broker, session)
  const next = nextState(state, before, isCaughtUp, request)
  const records: MetadataRecord[] = []
  if (next !== before) {
    if (next === 'unfenced') records.push(changeRecord(broker, { fenced: -1 }), ...brokerArrives(state, broker.id))
    else if (next === 'controlled shutdown') {
      if (!broker.inControlledShutdown) records.push(changeRecord(broker, { inControlledShutdown: 1 }))
      records.push(...brokerLeaves(state, broker.id))
      session.controlledShutdownOffset = nextOffset + records.length - 1
    } else {
      // Written even of one that is fenced already and shuts down.
      records.push(...fenceRecords(state, broker))
      session.controlledShutdownOffset = NOT_SHUTTING_DOWN
    }
  }
  records.push(
    ...offlineRecords(state, broker, request),
    ...cordonedRecords(state.image.features.metadataVersion, broker, request),
  )
  const answer = {
    errorCode: 0,
    isCaughtUp,
    isFenced: next === 'fenced' || next === 'shut down now',
    shouldShutDown: next === 'shut down now',
  }
  return { records, answer, atomic: false }
}

/** A controller that has just taken over lets a shutdown begin again: what was decided of it may not all be written. */
function stateOf(broker: BrokerImage, session: BrokerSession): BrokerState {
  if (broker.fenced) return 'fenced'
  return session.controlledShutdownOffset === NOT_SHUTTING_DOWN ? 'unfenced' : 'controlled shutdown'
}

function nextState(
  { image, sessions, partitions }: ControllerState,
  before: BrokerState,
  isCaughtUp: boolean,
  { brokerId, wantFence, wantShutDown }: BrokerHeartbeatRequest,
): BrokerState {
  switch (before) {
    case 'fenced':
      if (wantShutDown) return 'shut down now'
      // The broker must know of its own registration before it may serve.
      return !wantFence && isCaughtUp ? 'unfenced' : 'fenced'
    case 'unfenced':
      if (wantFence) return wantShutDown ? 'shut down now' : 'fenced'
      if (!wantShutDown) return 'unfenced'
      return partitions.hasLeaderships(brokerId) ? 'controlled shutdown' : 'shut down now'
    case 'controlled shutdown': {
      if (partitions.hasLeaderships(brokerId)) return 'controlled shutdown'
      // Everybody who serves has seen that the leaderships moved.
      const others = [...image.cluster.brokers.values()].filter(isActive).map((other) => other.id)
      const moved = sessions.get(brokerId)?.controlledShutdownOffset ?? NOT_SHUTTING_DOWN
      return moved <= sessions.lowestOffset(others) ? 'shut down now' : 'controlled shutdown'
    }
    case 'shut down now':
      return 'shut down now'
  }
}

/** What lies in directories that are newly offline needs another leader, or has none. */
function offlineRecords(
  state: ControllerState,
  { id: brokerId, epoch: brokerEpoch, directories }: BrokerImage,
  { offlineLogDirs }: BrokerHeartbeatRequest,
): MetadataRecord[] {
  if (!directoriesSupported(state.image.features.metadataVersion)) return []
  const failed = directories.filter((directory) => offlineLogDirs.includes(directory))
  if (failed.length === 0) return []
  const logDirs = directories.filter((directory) => !failed.includes(directory))
  const change = metadataRecord('BrokerRegistrationChangeRecord', 2, { brokerId, brokerEpoch, logDirs })
  return [...directoriesFail(state, brokerId, failed), change]
}

function cordonedRecords(
  level: number,
  { id: brokerId, epoch: brokerEpoch, cordonedDirectories: before }: BrokerImage,
  { cordonedLogDirs }: BrokerHeartbeatRequest,
): MetadataRecord[] {
  if (!cordonedDirectoriesSupported(level) || cordonedLogDirs === null) return []
  const isSame = before?.length === cordonedLogDirs.length && before.every((id) => cordonedLogDirs.includes(id))
  if (isSame) return []
  return [metadataRecord('BrokerRegistrationChangeRecord', 3, { brokerId, brokerEpoch, cordonedLogDirs })]
}

function changeRecord(broker: BrokerImage, change: { fenced?: number; inControlledShutdown?: number }): MetadataRecord {
  const version = change.inControlledShutdown === undefined ? 0 : 1
  return metadataRecord('BrokerRegistrationChangeRecord', version, {
    brokerId: broker.id,
    brokerEpoch: broker.epoch,
    ...change,
  })
}

/** Moves what it leads, and fences. */
function fenceRecords(state: ControllerState, broker: BrokerImage): MetadataRecord[] {
  return [...brokerLeaves(state, broker.id), changeRecord(broker, { fenced: 1 })]
}

/** Brokers whose session has run out are fenced; one that shut down, or is fenced for another reason, once more. */
export function fenceStaleBrokers(state: ControllerState): Decision<readonly number[]> {
  const { image, sessions, nowMs, settings } = state
  for (const broker of image.cluster.brokers.values()) {
    if (broker.fenced && !sessions.isHeardOf(broker.id)) continue
    if (sessions.isLive(broker.id, nowMs, settings.brokerSessionTimeoutMs)) continue
    sessions.end(broker.id)
    // One at a time: the next decision sees what this one left.
    return { records: fenceRecords(state, broker), answer: [broker.id], atomic: false }
  }
  return { records: [], answer: [] }
}

/** @throws KafkaError BROKER_ID_NOT_REGISTERED */
export function unregisterBroker(
  state: ControllerState,
  request: UnregisterBrokerRequest,
): Decision<Init<UnregisterBrokerResponse>> {
  const broker = state.image.cluster.brokers.get(request.brokerId)
  if (broker === undefined) {
    throw new KafkaError('BROKER_ID_NOT_REGISTERED', `Broker ID ${request.brokerId} is not currently registered`)
  }
  const { id: brokerId, epoch: brokerEpoch } = broker
  const records = [
    ...brokerIsUnregistered(state, brokerId),
    metadataRecord('UnregisterBrokerRecord', 0, { brokerId, brokerEpoch }),
  ]
  return { records, answer: { errorCode: 0, errorMessage: '' }, atomic: false }
}
