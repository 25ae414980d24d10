/**
 * What a controller writes when it becomes active: the bootstrap records of a new cluster (inside a metadata transaction
 * where the metadata.version has them), the abort of a transaction that its predecessor left open, its own registration.
 */
import { KafkaError } from '../base/errors.ts'
import type { Uuid } from '../base/uuid.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import {
  ELR_VERSION,
  METADATA_VERSION,
  controllerRegistrationSupported,
  featureRanges,
  transactionsSupported,
} from '../metadata/features.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { EndpointImage } from '../metadata/cluster-image.ts'
import type { Init } from '../protocol/codec.ts'
import type {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from '../protocol/generated/controller-registration.ts'
import type { ControllerState, Decision } from './decision.ts'

export interface ControllerRegistration {
  readonly incarnationId: Uuid
  readonly listeners: readonly EndpointImage[]
}

/**
 * For an empty log. Where eligible leader replicas are kept the cluster states its min.insync.replicas, `minIsr`, so that it is the same
 * on every broker.
 */
export function bootstrapDecision(bootstrap: readonly MetadataRecord[], minIsr: string | null): MetadataRecord[] {
  const levelOf = (name: string): number => {
    const stated = bootstrap.find((record) => record.type === 'FeatureLevelRecord' && record.data.name === name)
    return stated?.type === 'FeatureLevelRecord' ? stated.data.featureLevel : 0
  }
  const resource = { resourceType: CONFIG_RESOURCE.BROKER, resourceName: '' }
  const stated =
    levelOf(ELR_VERSION) > 0
      ? [metadataRecord('ConfigRecord', 0, { ...resource, name: 'min.insync.replicas', value: minIsr })]
      : []
  if (!transactionsSupported(levelOf(METADATA_VERSION))) return [...bootstrap, ...stated]
  return [
    metadataRecord('BeginTransactionRecord', 0, { name: 'Bootstrap records' }),
    ...bootstrap,
    ...stated,
    metadataRecord('EndTransactionRecord', 0, {}),
  ]
}

export function abortTransaction(): MetadataRecord[] {
  return [metadataRecord('AbortTransactionRecord', 0, { reason: 'Aborted by the next active controller' })]
}

export function registrationRecords(
  level: number,
  controllerId: number,
  registration: ControllerRegistration,
): MetadataRecord[] {
  if (!controllerRegistrationSupported(level)) return []
  return [
    metadataRecord('RegisterControllerRecord', 0, {
      controllerId,
      incarnationId: registration.incarnationId,
      endPoints: registration.listeners,
      features: featureRanges(),
    }),
  ]
}

/** Of another controller, that stands by, or of this one. @throws KafkaError, which answers the request. */
export function registerController(
  { image }: ControllerState,
  { controllerId, incarnationId, zkMigrationReady, listeners, features }: ControllerRegistrationRequest,
): Decision<Init<ControllerRegistrationResponse>> {
  const level = image.features.metadataVersion
  if (!controllerRegistrationSupported(level)) {
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      'The current MetadataVersion is too old to support controller registrations.',
    )
  }
  if (listeners.length === 0) {
    throw new KafkaError('INVALID_REGISTRATION', `Controller ${controllerId} names no listener.`)
  }
  const range = features.find(({ name }) => name === METADATA_VERSION)
  if (range === undefined || level < range.minSupportedVersion || level > range.maxSupportedVersion) {
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      `Controller ${controllerId} does not support ${METADATA_VERSION} ${level}.`,
    )
  }
  // The active one may ask before what it wrote at its activation is committed.
  const isKnown = image.cluster.controllers.get(controllerId)?.incarnationId === incarnationId
  if (isKnown) return { records: [], answer: { errorCode: 0 } }
  const data = { controllerId, incarnationId, zkMigrationReady, endPoints: listeners, features }
  return { records: [metadataRecord('RegisterControllerRecord', 0, data)], answer: { errorCode: 0 } }
}
