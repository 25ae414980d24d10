/**
 * UpdateFeatures: metadata.version and the other features within what every registered node supports. kraft.version goes up
 * only, by records of the quorum itself. All or nothing in every version: the first failure is the answer, without results; but
 * kraft.version, once it comes before the failure, is raised all the same. First is what comes first in Java's HashMap of the names.
 */
import { KafkaError } from '../base/errors.ts'
import { inHashMapOrder } from '../base/java-hash.ts'
import type { Init } from '../protocol/codec.ts'
import type { UpdateFeaturesRequest, UpdateFeaturesResponse } from '../protocol/generated/update-features.ts'
import type { FeatureRange } from '../metadata/cluster-image.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import {
  ELR_VERSION,
  KNOWN_FEATURES,
  KRAFT_VERSION,
  METADATA_VERSION,
  downgradeLosesMetadata,
  controllerRegistrationSupported,
  elrSupported,
  featureRanges,
  ELR_LOWEST_METADATA_VERSION,
} from '../metadata/features.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { MetadataLog } from './metadata-log.ts'
import { NO_ERROR, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'

const UPGRADE = 1
const SAFE_DOWNGRADE = 2
const UNSAFE_DOWNGRADE = 3
const FEATURES_OF_THIS_NODE = featureRanges()

export interface FeatureDecision extends Decision<Init<UpdateFeaturesResponse>> {
  /** What the quorum shall raise it to, before the records are written, and whatever the answer is; null: it stays. */
  readonly kraftVersion: number | null
}

export function updateFeatures(
  state: ControllerState,
  request: UpdateFeaturesRequest,
  apiVersion: number,
  log: Pick<MetadataLog, 'kraftVersion' | 'kraftVersionObstacle'>,
): FeatureDecision {
  // Of a feature that is named twice the last counts.
  const updates = new Map(request.featureUpdates.map((update) => [update.feature, update]))
  const levelAfter = (name: string): number | undefined => updates.get(name)?.maxVersionLevel
  const metadataVersion = levelAfter(METADATA_VERSION) ?? state.image.features.metadataVersion
  const records: MetadataRecord[] = []
  let kraftVersion: number | null = null
  // Which of several failures is told depends on the order, and what of the quorum is done before it.
  for (const feature of inHashMapOrder([...updates.keys()])) {
    const update = updates.get(feature)
    if (update === undefined) continue
    const { maxVersionLevel: level, allowDowngrade } = update
    const upgradeType = apiVersion === 0 ? (allowDowngrade ? SAFE_DOWNGRADE : UPGRADE) : update.upgradeType
    const made = attempt(() => updateFeature(state, { feature, level, upgradeType, metadataVersion }, log))
    if (made instanceof KafkaError) {
      const detail = `The update failed for all features since the following feature had an error: ${made.message}`
      return { records: [], answer: { ...errorFields(made.code, detail), results: [] }, kraftVersion }
    }
    records.push(...made)
    if (feature === KRAFT_VERSION && level > log.kraftVersion && !request.validateOnly) kraftVersion = level
  }
  const results = apiVersion > 1 ? [] : request.featureUpdates.map(({ feature }) => ({ feature, ...NO_ERROR }))
  const answer = { ...NO_ERROR, results }
  if (request.validateOnly) return { records: [], answer, kraftVersion: null }
  const enablesElr = (levelAfter(ELR_VERSION) ?? 0) > 0
  return { records: enablesElr ? [...sameMinIsr(state), ...records] : records, answer, kraftVersion }
}

/**
 * With eligible leader replicas all brokers hold the same number of them to be enough: the cluster's, which must be stated. A
 * broker's own ends.
 */
function sameMinIsr({ image, rules }: ControllerState): MetadataRecord[] {
  const key = 'min.insync.replicas'
  const record = (resourceName: string, value: string | null): MetadataRecord =>
    metadataRecord('ConfigRecord', 0, { resourceType: CONFIG_RESOURCE.BROKER, resourceName, name: key, value })
  const brokers = [...image.configs.all()].filter(
    ({ type, values }) => type === CONFIG_RESOURCE.BROKER && values.has(key),
  )
  const isStated = brokers.some(({ name }) => name === '')
  return [
    ...(isStated ? [] : [record('', rules.fileValue(key))]),
    ...brokers.filter(({ name }) => name !== '').map(({ name }) => record(name, null)),
  ]
}

interface Update {
  readonly feature: string
  readonly level: number
  readonly upgradeType: number
  /** Behind the whole request. */
  readonly metadataVersion: number
}

/** A level that is there already is written once more. @throws KafkaError */
function updateFeature(
  state: ControllerState,
  { feature: name, level, upgradeType, metadataVersion }: Update,
  log: Pick<MetadataLog, 'kraftVersion' | 'kraftVersionObstacle'>,
): MetadataRecord[] {
  const { image, nodeId } = state
  const invalid = (reason: string): KafkaError =>
    new KafkaError('INVALID_UPDATE_VERSION', `Invalid update version ${level} for feature ${name}. ${reason}`)
  if (upgradeType !== UPGRADE && upgradeType !== SAFE_DOWNGRADE && upgradeType !== UNSAFE_DOWNGRADE) {
    throw invalid('The controller does not support the given upgrade type.')
  }
  if (level < 0) throw invalid('A feature version cannot be less than 0.')
  const unsupported =
    reasonOf(`Local controller ${nodeId}`, FEATURES_OF_THIS_NODE, name, level) ?? reasonNotSupported(state, name, level)
  if (unsupported !== null) throw invalid(unsupported)
  const isMetadata = name === METADATA_VERSION
  const isKraft = name === KRAFT_VERSION
  const finalized = isMetadata ? image.features.metadataVersion : (image.features.levels.get(name) ?? 0)
  const before = isKraft ? log.kraftVersion : finalized
  if (level < before && upgradeType === UPGRADE) {
    throw invalid(
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    )
  }
  if (level > before && upgradeType !== UPGRADE) throw invalid("Can't downgrade to a newer version.")
  if (isKraft) {
    if (level < before) throw invalid("Can't downgrade the version of this feature.")
    const obstacle = log.kraftVersionObstacle(level)
    if (obstacle !== null) throw new KafkaError('INVALID_UPDATE_VERSION', obstacle)
    // Nothing of it is in these records, but the answer waits until they are committed, and the quorum's own before them.
    return upgradeType === UPGRADE ? [metadataRecord('NoOpRecord', 0, {})] : []
  }
  if (level < before && isMetadata && downgradeLosesMetadata(before, level)) {
    const reason =
      upgradeType === UNSAFE_DOWNGRADE
        ? 'Unsafe metadata downgrade is not supported in this version.'
        : 'Refusing to perform the requested downgrade because it might delete metadata information.'
    const what = `Unsupported metadata.version downgrade from ${before} to ${level}.`
    throw new KafkaError('INVALID_UPDATE_VERSION', `${what} ${reason}`)
  }
  if (!isMetadata && !KNOWN_FEATURES.includes(name)) throw invalid(`Feature ${name} not found.`)
  if (name === ELR_VERSION && level > 0 && !elrSupported(metadataVersion)) {
    const needed = `${METADATA_VERSION} level ${ELR_LOWEST_METADATA_VERSION}`
    throw invalid(`${name} could not be set to ${level} because it depends on ${needed}`)
  }
  return [metadataRecord('FeatureLevelRecord', 0, { name, featureLevel: level })]
}

/** Of all brokers and controllers that are registered, and of static voters that should be. */
function reasonNotSupported({ image, nodeId, settings }: ControllerState, name: string, level: number): string | null {
  const { cluster, features } = image
  for (const broker of cluster.brokers.values()) {
    const reason = reasonOf(`Broker ${broker.id}`, broker.features, name, level)
    if (reason !== null) return reason
  }
  if (!controllerRegistrationSupported(features.metadataVersion)) return null
  for (const controller of cluster.controllers.values()) {
    if (controller.id === nodeId) continue
    const reason = reasonOf(`Controller ${controller.id}`, controller.features, name, level)
    if (reason !== null) return reason
  }
  const silent = settings.staticVoterIds.find((id) => id !== nodeId && !cluster.controllers.has(id))
  return silent === undefined ? null : `controller ${silent} has not registered, and may not support this feature`
}

/** A feature that isn't named has no level but 0. */
function reasonOf(what: string, features: readonly FeatureRange[], name: string, level: number): string | null {
  const found = features.find((feature) => feature.name === name)
  const { minSupportedVersion: min, maxSupportedVersion: max } = found ?? {
    minSupportedVersion: 0,
    maxSupportedVersion: 0,
  }
  if (level >= min && level <= max) return null
  if (max === 0) return `${what} does not support this feature.`
  return `${what} only supports versions ${min === max ? min : `${min}-${max}`}`
}
