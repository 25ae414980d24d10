/**
 * What a controller writes when it becomes active: the bootstrap records of a new cluster (inside a metadata transaction
 * where the metadata.version has them), the abort of a transaction that its predecessor left open, its own registration.
 */
import type { Uuid } from '../base/uuid.ts'
import {
  METADATA_VERSION,
  SUPPORTED_FEATURES,
  controllerRegistrationSupported,
  transactionsSupported,
} from '../metadata/features.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { EndpointImage } from '../metadata/cluster-image.ts'

export interface ControllerRegistration {
  readonly incarnationId: Uuid
  readonly listeners: readonly EndpointImage[]
}

/** For an empty log. */
export function bootstrapDecision(bootstrap: readonly MetadataRecord[]): MetadataRecord[] {
  const stated = bootstrap.find(
    (record) => record.type === 'FeatureLevelRecord' && record.data.name === METADATA_VERSION,
  )
  const level = stated?.type === 'FeatureLevelRecord' ? stated.data.featureLevel : 0
  if (!transactionsSupported(level)) return [...bootstrap]
  return [
    metadataRecord('BeginTransactionRecord', 0, { name: 'Bootstrap records' }),
    ...bootstrap,
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
      features: SUPPORTED_FEATURES.map(({ name, min, max }) => {
        return { name, minSupportedVersion: min, maxSupportedVersion: max }
      }),
    }),
  ]
}
