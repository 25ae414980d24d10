/** Which features a broker must support to register, in Kafka's words. */
import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import { ELR_VERSION, KRAFT_VERSION, METADATA_VERSION, TRANSACTION_VERSION } from '../metadata/features.ts'
import { checkRegisteredFeatures } from './registered-features.ts'

type Ranges = Readonly<Record<string, readonly [number, number]>>

const METADATA: Ranges = { [METADATA_VERSION]: [7, 30] }

/** Null: it may register. */
function refusal(ranges: Ranges, levels: Readonly<Record<string, number>>, kraftVersion = 0): string | null {
  const features = Object.entries(ranges).map(([name, [minSupportedVersion, maxSupportedVersion]]) => {
    return { name, minSupportedVersion, maxSupportedVersion }
  })
  const image = { metadataVersion: 25, levels: new Map(Object.entries(levels)), zkMigrationState: null }
  try {
    checkRegisteredFeatures(image, kraftVersion, features)
    return null
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return `${error.code}: ${error.message}`
  }
}

const unsupported = (name: string, level: number, min: number, max: number): string =>
  `UNSUPPORTED_VERSION: Unable to register because the broker does not support finalized version ${level} of ${name}. The broker wants a version between ${min} and ${max}, inclusive.`

test('a broker whose range of any finalised feature lacks its level is refused', () => {
  expect(refusal(METADATA, {})).toBe(null)
  expect(refusal({ [METADATA_VERSION]: [7, 24] }, {})).toBe(unsupported(METADATA_VERSION, 25, 7, 24))
  const finalised = { [TRANSACTION_VERSION]: 2 }
  expect(refusal({ ...METADATA, [TRANSACTION_VERSION]: [0, 2] }, finalised)).toBe(null)
  expect(refusal({ ...METADATA, [TRANSACTION_VERSION]: [0, 1] }, finalised)).toBe(
    unsupported(TRANSACTION_VERSION, 2, 0, 1),
  )
  // At level 0 too, and of features that nobody here knows.
  expect(refusal({ ...METADATA, nonsense: [1, 2] }, {})).toBe(unsupported('nonsense', 0, 1, 2))
})

test('a feature that a broker does not name is one that it does not support', () => {
  expect(refusal(METADATA, { [ELR_VERSION]: 1 })).toBe(unsupported(ELR_VERSION, 1, 0, 0))
  // Not served here, as it stands in a directory of Kafka's: this release's own brokers don't name it.
  expect(refusal(METADATA, { 'group.version': 1 })).toBe(null)
  expect(refusal({ ...METADATA, 'group.version': [0, 0] }, { 'group.version': 1 })).toBe(
    unsupported('group.version', 1, 0, 0),
  )
})

test('kraft.version is one of them, from the quorum', () => {
  expect(refusal(METADATA, {}, 0)).toBe(null)
  expect(refusal(METADATA, {}, 1)).toBe(unsupported(KRAFT_VERSION, 1, 0, 0))
  expect(refusal({ ...METADATA, [KRAFT_VERSION]: [0, 1] }, {}, 1)).toBe(null)
  expect(refusal({ ...METADATA, [KRAFT_VERSION]: [1, 1] }, {}, 0)).toBe(unsupported(KRAFT_VERSION, 0, 1, 1))
})

test('a broker names metadata.version', () => {
  expect(refusal({}, {})).toBe("INVALID_REGISTRATION: Request features do not contain 'metadata.version'")
})
