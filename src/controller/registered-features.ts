/**
 * Whether a broker may register with the features that it supports: each level that is finalised must be in its range, kraft.version's
 * too. A feature that it doesn't name is one that it supports at level 0 only.
 *
 * Finalised features that this release doesn't serve (in a directory of Kafka's) are asked of nobody who doesn't name them: its own
 * brokers don't.
 */
import { KafkaError } from '../base/errors.ts'
import type { FeatureRange } from '../metadata/cluster-image.ts'
import { KRAFT_VERSION, METADATA_VERSION, SUPPORTED_FEATURES } from '../metadata/features.ts'
import type { FeaturesImage } from '../metadata/image.ts'

/** @throws KafkaError UNSUPPORTED_VERSION | INVALID_REGISTRATION */
export function checkRegisteredFeatures(
  { metadataVersion, levels }: FeaturesImage,
  kraftVersion: number,
  features: readonly FeatureRange[],
): void {
  const finalised = new Map([...levels, [KRAFT_VERSION, kraftVersion], [METADATA_VERSION, metadataVersion]])
  for (const feature of features) checkRange(feature, finalised.get(feature.name) ?? 0)
  const isNamed = (name: string): boolean => features.some((feature) => feature.name === name)
  if (!isNamed(METADATA_VERSION)) {
    throw new KafkaError('INVALID_REGISTRATION', `Request features do not contain '${METADATA_VERSION}'`)
  }
  for (const { name } of SUPPORTED_FEATURES) {
    if (isNamed(name)) continue
    checkRange({ name, minSupportedVersion: 0, maxSupportedVersion: 0 }, finalised.get(name) ?? 0)
  }
}

function checkRange({ name, minSupportedVersion: min, maxSupportedVersion: max }: FeatureRange, level: number): void {
  if (level >= min && level <= max) return
  const detail = `Unable to register because the broker does not support finalized version ${level} of ${name}. The broker wants a version between ${min} and ${max}, inclusive.`
  throw new KafkaError('UNSUPPORTED_VERSION', detail)
}
