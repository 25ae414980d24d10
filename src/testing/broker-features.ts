/** What a broker of this release says that it supports when it registers. */
import type { FeatureRange } from '../metadata/cluster-image.ts'
import { SUPPORTED_FEATURES } from '../metadata/features.ts'

export const BROKER_FEATURES: readonly FeatureRange[] = SUPPORTED_FEATURES.map(({ name, min, max }) => {
  return { name, minSupportedVersion: min, maxSupportedVersion: max }
})
