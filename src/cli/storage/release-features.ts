/**
 * Which feature levels Kafka's releases begin with, and what a level needs: tables of Apache Kafka, also for features
 * that this release does not serve.
 */
import {
  KNOWN_FEATURES,
  METADATA_VERSION,
  METADATA_VERSION_LATEST,
  METADATA_VERSION_LOWEST,
  metadataVersionLevel,
  metadataVersionName,
} from '../../metadata/features.ts'
import { OperationalError } from '../../base/errors.ts'

/** [feature, highest level, for each level from 1 on the metadata.version from which a new cluster has it]. */
const FEATURES: readonly (readonly [string, readonly number[]])[] = [
  ['kraft.version', [21]],
  ['transaction.version', [24, 24]],
  ['group.version', [22]],
  ['eligible.leader.replicas.version', [26]],
  ['share.version', [28]],
  ['streams.version', [29]],
]

/** eligible.leader.replicas.version needs the records of 4.0-IV1. */
const NEEDS_METADATA_VERSION = new Map([['eligible.leader.replicas.version', 23]])

export const FEATURE_NAMES: readonly string[] = KNOWN_FEATURES.toSorted()

export function knownLevel(name: string, level: number): boolean {
  if (name === METADATA_VERSION) return metadataVersionName(level) !== null
  const starts = FEATURES.find(([feature]) => feature === name)?.[1]
  return starts !== undefined && level >= 0 && level <= starts.length
}

/** What Kafka 4.3 names as known, too, where nothing is written. */
const UNSTABLE = '4.4-IV0'

/**
 * @param isAsked nothing is written: Kafka then names its unstable version, too
 * @throws OperationalError CONFIG_INVALID
 */
export function releaseLevel(release: string, isAsked = false): number {
  const level = metadataVersionLevel(release)
  if (level !== null && metadataVersionName(level) !== null) return level
  const names: string[] = []
  for (let one = METADATA_VERSION_LOWEST; one <= METADATA_VERSION_LATEST; one++) {
    const name = metadataVersionName(one)
    if (name !== null) names.push(name)
  }
  if (isAsked) names.push(UNSTABLE)
  const supported = `Supported metadata.version are: ${names.join(', ')}`
  throw new OperationalError('CONFIG_INVALID', `Unknown metadata.version '${release}'. ${supported}`)
}

/** Of all features, with which a cluster of this metadata.version begins. */
export function releaseLevels(metadataVersion: number): ReadonlyMap<string, number> {
  const others = FEATURES.map(
    ([feature, starts]) => [feature, starts.filter((start) => start <= metadataVersion).length] as const,
  )
  return new Map([[METADATA_VERSION, metadataVersion], ...others])
}

/** One line a feature. */
export function versionMapping(release: string | null): string {
  const level = release === null ? METADATA_VERSION_LATEST : releaseLevel(release, true)
  const name = release ?? metadataVersionName(level) ?? ''
  const lines = [...releaseLevels(level)].map(([feature, one]) => `${feature}=${one}`)
  return [`${lines[0]} (${name})`, ...lines.slice(1)].join('\n')
}

/** @throws OperationalError CONFIG_INVALID */
export function featureDependencies(texts: readonly string[]): string {
  return texts.flatMap(dependencyLines).join('\n')
}

function dependencyLines(text: string): string[] {
  const [name = '', levelText] = text.split('=')
  const fail = (sentence: string) => new OperationalError('CONFIG_INVALID', sentence)
  if (levelText === undefined) {
    const form = "Expected format: 'feature=version' (e.g. 'group.version=1')"
    throw fail(`Invalid feature format: ${text}. ${form}`)
  }
  if (!/^[+-]?\d+$/.test(levelText)) throw fail(`Invalid version format: ${levelText} for feature ${name}`)
  const level = Number(levelText)
  if (name === METADATA_VERSION) {
    const release = metadataVersionName(level)
    if (release === null) throw fail(`Unknown metadata.version ${level}`)
    return [`${text} (${release}) has no dependencies.`]
  }
  if (!FEATURE_NAMES.includes(name)) throw fail(`Unknown feature: ${name}`)
  if (!knownLevel(name, level)) throw fail(`Feature level ${level} is not supported for feature ${name}`)
  const needed = level > 0 ? NEEDS_METADATA_VERSION.get(name) : undefined
  if (needed === undefined) return [`${name}=${level} has no dependencies.`]
  return [`${name}=${level} requires:`, `    metadata.version=${needed} (${metadataVersionName(needed)})`]
}
