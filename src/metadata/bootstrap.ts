/** The records that a new cluster's metadata log begins with: metadata.version first, then other features. */
import { METADATA_VERSION } from './features.ts'
import { decodeBatch } from './log-replay.ts'
import { encodeMetadataRecord, metadataRecord, type MetadataRecord } from './metadata-records.ts'

/** `features`: levels above 0 besides metadata.version. */
export function bootstrapRecords(
  metadataVersion: number,
  features: ReadonlyMap<string, number> = new Map(),
): MetadataRecord[] {
  const others = [...features].filter(([, level]) => level > 0).sort(([left], [right]) => (left < right ? -1 : 1))
  return [
    metadataRecord('FeatureLevelRecord', 0, { name: METADATA_VERSION, featureLevel: metadataVersion }),
    ...others.map(([name, featureLevel]) => metadataRecord('FeatureLevelRecord', 0, { name, featureLevel })),
  ]
}

/** Framed, for quorum/format.ts. */
export function bootstrapValues(metadataVersion: number, features?: ReadonlyMap<string, number>): Buffer[] {
  return bootstrapRecords(metadataVersion, features).map(encodeMetadataRecord)
}

/** Of the data batches of a `bootstrap.checkpoint`. @throws OperationalError LOG_CORRUPT. */
export function decodeBootstrap(batches: readonly Buffer[]): MetadataRecord[] {
  return batches.flatMap((batch) => decodeBatch(batch, 0))
}
