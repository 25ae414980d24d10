/**
 * metadata.version: every level that Kafka 4.3 supports and what it changes in the records we write; and the feature
 * levels that Klamm serves. A feature is claimed (in ApiVersions and in registrations) only when it works here. Levels of
 * other features that we find finalised in a directory of Kafka's stay as they are and are named once at start.
 */
import type { FeatureRange } from './cluster-image.ts'

/** [level, name, whether a downgrade across it would lose metadata]. */
const LEVELS: readonly (readonly [number, string, boolean])[] = [
  [7, '3.3-IV3', true],
  [8, '3.4-IV0', true],
  [9, '3.5-IV0', false],
  [10, '3.5-IV1', false],
  [11, '3.5-IV2', true],
  [12, '3.6-IV0', false],
  [13, '3.6-IV1', true],
  [14, '3.6-IV2', true],
  [15, '3.7-IV0', true],
  [16, '3.7-IV1', false],
  [17, '3.7-IV2', true],
  [18, '3.7-IV3', false],
  [19, '3.7-IV4', false],
  [20, '3.8-IV0', false],
  [21, '3.9-IV0', false],
  [22, '4.0-IV0', false],
  [23, '4.0-IV1', true],
  [24, '4.0-IV2', false],
  [25, '4.0-IV3', false],
  [26, '4.1-IV0', false],
  [27, '4.1-IV1', false],
  [28, '4.2-IV0', false],
  [29, '4.2-IV1', false],
  [30, '4.3-IV0', true],
]

export const METADATA_VERSION = 'metadata.version'
export const KRAFT_VERSION = 'kraft.version'
export const TRANSACTION_VERSION = 'transaction.version'
/** Eligible leader replicas (KIP-966). */
export const ELR_VERSION = 'eligible.leader.replicas.version'
export const METADATA_VERSION_LOWEST = 7
export const ELR_LOWEST_METADATA_VERSION = 23
export const METADATA_VERSION_LATEST = 30

export interface FeatureSupport {
  readonly name: string
  readonly min: number
  readonly max: number
}

/** What this node serves, for ApiVersions and registrations. */
export const SUPPORTED_FEATURES: readonly FeatureSupport[] = [
  { name: METADATA_VERSION, min: METADATA_VERSION_LOWEST, max: METADATA_VERSION_LATEST },
  { name: KRAFT_VERSION, min: 0, max: 1 },
  { name: TRANSACTION_VERSION, min: 0, max: 2 },
  { name: ELR_VERSION, min: 0, max: 1 },
]

/** As registrations name them. */
export function featureRanges(features: readonly FeatureSupport[] = SUPPORTED_FEATURES): FeatureRange[] {
  return features.map(({ name, min, max }) => ({ name, minSupportedVersion: min, maxSupportedVersion: max }))
}

/** Of Kafka 4.3, besides metadata.version: those that aren't served have level 0, or what a directory of Kafka's says. */
export const KNOWN_FEATURES: readonly string[] = [
  KRAFT_VERSION,
  TRANSACTION_VERSION,
  ELR_VERSION,
  'group.version',
  'share.version',
  'streams.version',
]

/** [feature that is served, level that a new cluster begins with, from this metadata.version on]. */
const NEW_CLUSTER: readonly (readonly [string, number, number])[] = [
  [ELR_VERSION, 1, 26],
  [TRANSACTION_VERSION, 2, 24],
]

/** Levels that a new cluster begins with, of features that are served, in the order of their names. */
export function newClusterFeatures(metadataVersion: number): Map<string, number> {
  return new Map(NEW_CLUSTER.flatMap(([name, level, from]) => (metadataVersion >= from ? [[name, level]] : [])))
}

/** "4.3-IV0"; null for a level outside the table. */
export function metadataVersionName(level: number): string | null {
  return LEVELS.find((entry) => entry[0] === level)?.[1] ?? null
}

/** "4.3-IV0", or "4.3" for the last level of that release; null if there is none. */
export function metadataVersionLevel(text: string): number | null {
  const exact = LEVELS.find((entry) => entry[1] === text)
  if (exact !== undefined) return exact[0]
  const release = /^\d+\.\d+/.exec(text)?.[0]
  if (release === undefined || !/^\d+\.\d+(\.\d+)?$/.test(text)) return null
  return LEVELS.findLast((entry) => entry[1].startsWith(`${release}-`))?.[0] ?? null
}

/** Whether going from one level down to the other could lose metadata. */
export function downgradeLosesMetadata(from: number, to: number): boolean {
  return LEVELS.some(([level, , changed]) => changed && level > to && level <= from)
}

export const migrationSupported = (level: number): boolean => level >= 8
export const scramSupported = (level: number): boolean => level >= 11
/** Before, a shrinking ISR started a new leader epoch. */
export const isrShrinkKeepsLeaderEpoch = (level: number): boolean => level >= 12
export const transactionsSupported = (level: number): boolean => level >= 13
export const delegationTokensSupported = (level: number): boolean => level >= 14
export const controllerRegistrationSupported = (level: number): boolean => level >= 15
export const directoriesSupported = (level: number): boolean => level >= 17
/** Records have fields for eligible leader replicas. */
export const elrSupported = (level: number): boolean => level >= ELR_LOWEST_METADATA_VERSION
export const cordonedDirectoriesSupported = (level: number): boolean => level >= 30

/** The controller keeps eligible leader replicas. */
export const elrFinalised = (levels: ReadonlyMap<string, number>): boolean => (levels.get(ELR_VERSION) ?? 0) >= 1

/** Version of PartitionRecord and PartitionChangeRecord. */
export function partitionRecordVersion(level: number): number {
  if (elrSupported(level)) return 2
  return directoriesSupported(level) ? 1 : 0
}

export function registerBrokerRecordVersion(level: number): number {
  if (cordonedDirectoriesSupported(level)) return 4
  if (directoriesSupported(level)) return 3
  return migrationSupported(level) ? 2 : 1
}

/** Finalised features that this release knows nothing of or doesn't serve, for one log line; "name=level" each. */
export function unservedFeatures(levels: ReadonlyMap<string, number>): string[] {
  const served = new Set(SUPPORTED_FEATURES.map((feature) => feature.name))
  return [...levels].filter(([name]) => !served.has(name)).map(([name, level]) => `${name}=${level}`)
}
