/**
 * UpdateFeatures: metadata.version and the other features within what every registered node supports. kraft.version goes up
 * only, by records of the quorum itself. All or nothing in every version: the first failure is the answer, without results.
 */
import { KafkaError } from '../base/errors.ts'
import type { Init } from '../protocol/codec.ts'
import type { UpdateFeaturesRequest, UpdateFeaturesResponse } from '../protocol/generated/update-features.ts'
import type { FeatureRange } from '../metadata/cluster-image.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import {
  ELR_VERSION,
  KRAFT_VERSION,
  METADATA_VERSION,
  SUPPORTED_FEATURES,
  downgradeLosesMetadata,
  controllerRegistrationSupported,
  elrSupported,
  ELR_LOWEST_METADATA_VERSION,
} from '../metadata/features.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { MetadataLog } from './metadata-log.ts'
import { NO_ERROR, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'

const UPGRADE = 1
const SAFE_DOWNGRADE = 2
const UNSAFE_DOWNGRADE = 3

export interface FeatureDecision extends Decision<Init<UpdateFeaturesResponse>> {
  /** What the quorum shall raise it to, before the records are written; null: it stays. */
  readonly kraftVersion: number | null
}

export function updateFeatures(
  state: ControllerState,
  request: UpdateFeaturesRequest,
  apiVersion: number,
  log: Pick<MetadataLog, 'kraftVersion' | 'kraftVersionObstacle'>,
): FeatureDecision {
  const records: MetadataRecord[] = []
  const results: Init<UpdateFeaturesResponse.UpdatableFeatureResult>[] = []
  let failure: KafkaError | null = null
  // Of a feature that is named twice the last counts.
  const updates = new Map(request.featureUpdates.map((update) => [update.feature, update]))
  for (const update of updates.values()) {
    const upgradeType = apiVersion === 0 ? (update.allowDowngrade ? SAFE_DOWNGRADE : UPGRADE) : update.upgradeType
    const made = attempt(() => updateFeature(state, update.feature, update.maxVersionLevel, upgradeType, log))
    if (made instanceof KafkaError) {
      failure ??= made
      results.push({ feature: update.feature, ...errorFields(made.code, made.message) })
    } else {
      records.push(...made)
      results.push({ feature: update.feature, ...NO_ERROR })
    }
  }
  if (failure === null) {
    const enablesElr = (updates.get(ELR_VERSION)?.maxVersionLevel ?? 0) > 0
    const all = enablesElr ? [...sameMinIsr(state), ...records] : records
    const level = updates.get(KRAFT_VERSION)?.maxVersionLevel ?? 0
    const kraftVersion = level > log.kraftVersion ? level : null
    const answer = { ...NO_ERROR, results }
    return request.validateOnly ? { records: [], answer, kraftVersion: null } : { records: all, answer, kraftVersion }
  }
  const detail = `The update failed for all features since the following feature had an error: ${failure.message}`
  return { records: [], answer: { ...errorFields(failure.code, detail), results: [] }, kraftVersion: null }
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

/** @throws KafkaError */
function updateFeature(
  state: ControllerState,
  name: string,
  level: number,
  upgradeType: number,
  log: Pick<MetadataLog, 'kraftVersion' | 'kraftVersionObstacle'>,
): MetadataRecord[] {
  const { image, nodeId } = state
  const support = SUPPORTED_FEATURES.find((feature) => feature.name === name)
  const invalid = (reason: string): KafkaError =>
    new KafkaError('INVALID_UPDATE_VERSION', `Invalid update version ${level} for feature ${name}. ${reason}`)
  if (upgradeType !== UPGRADE && upgradeType !== SAFE_DOWNGRADE && upgradeType !== UNSAFE_DOWNGRADE) {
    throw invalid('The controller does not support the given upgrade type.')
  }
  if (support === undefined) throw invalid(`Local controller ${nodeId} does not support this feature.`)
  if (level < support.min || level > support.max) {
    throw invalid(`Local controller ${nodeId} only supports versions ${support.min}-${support.max}`)
  }
  if (name === ELR_VERSION && level > 0 && !elrSupported(image.features.metadataVersion)) {
    throw invalid(`It depends on ${METADATA_VERSION} level ${ELR_LOWEST_METADATA_VERSION}.`)
  }
  const unsupported = reasonNotSupported(state, name, level)
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
  if (level === before) return []
  if (level < before && isMetadata && downgradeLosesMetadata(before, level)) {
    const reason =
      upgradeType === UNSAFE_DOWNGRADE
        ? 'Unsafe metadata downgrade is not supported in this version.'
        : 'Refusing to perform the requested downgrade because it might delete metadata information.'
    const what = `Unsupported metadata.version downgrade from ${before} to ${level}.`
    throw new KafkaError('INVALID_UPDATE_VERSION', `${what} ${reason}`)
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
  return max === 0 ? `${what} does not support this feature.` : `${what} only supports versions ${min}-${max}`
}
