/**
 * UpdateFeatures: metadata.version and the other features within what every registered node supports. kraft.version changes
 * through the quorum. All or nothing in every version: the first failure is the answer, without results.
 */
import { KafkaError } from '../base/errors.ts'
import type { Init } from '../protocol/codec.ts'
import type { UpdateFeaturesRequest, UpdateFeaturesResponse } from '../protocol/generated/update-features.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import {
  ELR_VERSION,
  KRAFT_VERSION,
  METADATA_VERSION,
  SUPPORTED_FEATURES,
  downgradeLosesMetadata,
  elrSupported,
  ELR_LOWEST_METADATA_VERSION,
} from '../metadata/features.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import { NO_ERROR, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'

const UPGRADE = 1
const SAFE_DOWNGRADE = 2
const UNSAFE_DOWNGRADE = 3

export function updateFeatures(
  state: ControllerState,
  request: UpdateFeaturesRequest,
  apiVersion: number,
  kraftVersion: number,
): Decision<Init<UpdateFeaturesResponse>> {
  const records: MetadataRecord[] = []
  const results: Init<UpdateFeaturesResponse.UpdatableFeatureResult>[] = []
  let failure: KafkaError | null = null
  // Of a feature that is named twice the last counts.
  const updates = new Map(request.featureUpdates.map((update) => [update.feature, update]))
  for (const update of updates.values()) {
    const upgradeType = apiVersion === 0 ? (update.allowDowngrade ? SAFE_DOWNGRADE : UPGRADE) : update.upgradeType
    const made = attempt(() => updateFeature(state, update.feature, update.maxVersionLevel, upgradeType, kraftVersion))
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
    return { records: request.validateOnly ? [] : all, answer: { ...NO_ERROR, results } }
  }
  const detail = `The update failed for all features since the following feature had an error: ${failure.message}`
  return { records: [], answer: { ...errorFields(failure.code, detail), results: [] } }
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
  { image, nodeId }: ControllerState,
  name: string,
  level: number,
  upgradeType: number,
  kraftVersion: number,
): MetadataRecord[] {
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
  if (name === KRAFT_VERSION) {
    if (level === kraftVersion) return []
    throw invalid('This release does not change the kraft.version of a formatted directory.')
  }
  if (name === ELR_VERSION && level > 0 && !elrSupported(image.features.metadataVersion)) {
    throw invalid(`It depends on ${METADATA_VERSION} level ${ELR_LOWEST_METADATA_VERSION}.`)
  }
  for (const broker of image.cluster.brokers.values()) {
    const range = broker.features.find((feature) => feature.name === name)
    if (range === undefined && level > 0) throw invalid(`Broker ${broker.id} does not support this feature.`)
    if (range !== undefined && (level < range.minSupportedVersion || level > range.maxSupportedVersion)) {
      throw invalid(
        `Broker ${broker.id} only supports versions ${range.minSupportedVersion}-${range.maxSupportedVersion}`,
      )
    }
  }
  const isMetadata = name === METADATA_VERSION
  const before = isMetadata ? image.features.metadataVersion : (image.features.levels.get(name) ?? 0)
  if (level === before) return []
  if (level < before) {
    if (upgradeType === UPGRADE) {
      throw invalid(
        "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
      )
    }
    if (isMetadata && downgradeLosesMetadata(before, level)) {
      throw invalid(
        upgradeType === UNSAFE_DOWNGRADE
          ? 'Unsafe metadata downgrade is not supported in this version.'
          : 'Refusing to perform the requested downgrade because it might delete metadata information.',
      )
    }
  }
  return [metadataRecord('FeatureLevelRecord', 0, { name, featureLevel: level })]
}
