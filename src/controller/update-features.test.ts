/** What UpdateFeatures refuses, in Kafka's words, and what raising kraft.version leaves to the quorum. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { ZERO_UUID } from '../base/uuid.ts'
import type { FeatureRange } from '../metadata/cluster-image.ts'
import { ELR_VERSION, KRAFT_VERSION, METADATA_VERSION, TRANSACTION_VERSION } from '../metadata/features.ts'
import { metadataRecord } from '../metadata/metadata-records.ts'
import { UpdateFeaturesRequest } from '../protocol/generated/update-features.ts'
import { DecidedCluster } from '../testing/decided-cluster.ts'
import { updateFeatures, type FeatureDecision } from './update-features.ts'

const UPGRADE = 1
const SAFE_DOWNGRADE = 2
const UNSAFE_DOWNGRADE = 3
const FAILED = 'The update failed for all features since the following feature had an error: '

interface Asked {
  readonly kraftVersion?: number
  readonly obstacle?: string | null
  readonly validateOnly?: boolean
  readonly upgradeType?: number
}

function update(cluster: DecidedCluster, levels: Readonly<Record<string, number>>, asked: Asked = {}): FeatureDecision {
  const { kraftVersion = 0, obstacle = null, validateOnly = false, upgradeType = UPGRADE } = asked
  const featureUpdates = Object.entries(levels).map(([feature, maxVersionLevel]) => {
    return { feature, maxVersionLevel, upgradeType }
  })
  const request = UpdateFeaturesRequest.make({ featureUpdates, validateOnly })
  let decision: FeatureDecision | null = null
  cluster.decide((state) => {
    decision = updateFeatures(state, request, 2, { kraftVersion, kraftVersionObstacle: () => obstacle })
    return decision
  })
  return decision!
}

function refusal(decision: FeatureDecision, kraftVersion: number | null = null): string {
  expect(decision).toMatchObject({ records: [], kraftVersion })
  expect(decision.answer.errorCode).toBe(ERROR_CODES.INVALID_UPDATE_VERSION)
  return decision.answer.errorMessage!.replace(FAILED, '')
}

test('kraft.version goes up by the quorum, and the answer waits for a record behind that', () => {
  const cluster = new DecidedCluster()
  const decision = update(cluster, { [KRAFT_VERSION]: 1 })
  expect(decision.answer.errorCode).toBe(0)
  expect(decision.kraftVersion).toBe(1)
  expect(decision.records.map(({ type }) => type)).toEqual(['NoOpRecord'])
})

test('a dry run, and a level that is there, raise nothing', () => {
  const cluster = new DecidedCluster()
  expect(update(cluster, { [KRAFT_VERSION]: 1 }, { validateOnly: true })).toMatchObject({
    records: [],
    kraftVersion: null,
    answer: { errorCode: 0 },
  })
  expect(update(cluster, { [KRAFT_VERSION]: 1 }, { kraftVersion: 1 })).toMatchObject({
    kraftVersion: null,
    answer: { errorCode: 0 },
  })
})

test('kraft.version is raised beside a feature that is refused, where Kafka comes to it first', () => {
  const cluster = new DecidedCluster()
  const withBad = (name: string, validateOnly = false): FeatureDecision =>
    update(cluster, { [name]: 99, [KRAFT_VERSION]: 1 }, { validateOnly })
  // In the order of a HashMap: group.version, kraft.version, metadata.version.
  expect(refusal(withBad(METADATA_VERSION), 1)).toContain('only supports versions 7-30')
  expect(refusal(withBad(METADATA_VERSION, true))).toContain('only supports versions 7-30')
  expect(refusal(withBad('group.version'))).toContain('does not support this feature.')
})

test('of several failures the first in the order of a HashMap is told', () => {
  const cluster = new DecidedCluster()
  const bad = { [TRANSACTION_VERSION]: 9, [METADATA_VERSION]: 99, [KRAFT_VERSION]: 7 }
  expect(refusal(update(cluster, bad))).toContain('for feature kraft.version')
})

test('a level that is there is written once more; 0 is one of features that are not served, too', () => {
  const cluster = new DecidedCluster()
  const written = (levels: Readonly<Record<string, number>>): unknown[] =>
    update(cluster, levels).records.map(({ data }) => data)
  expect(written({ [METADATA_VERSION]: 30 })).toEqual([{ name: METADATA_VERSION, featureLevel: 30 }])
  expect(written({ [TRANSACTION_VERSION]: 0 })).toEqual([{ name: TRANSACTION_VERSION, featureLevel: 0 }])
  expect(written({ 'group.version': 0 })).toEqual([{ name: 'group.version', featureLevel: 0 }])
  expect(refusal(update(cluster, { nonsense: 0 }))).toBe(
    'Invalid update version 0 for feature nonsense. Feature nonsense not found.',
  )
  expect(refusal(update(cluster, { nonsense: -1 }))).toBe(
    'Invalid update version -1 for feature nonsense. A feature version cannot be less than 0.',
  )
})

test('eligible leader replicas need the metadata.version that the same request sets', () => {
  const cluster = new DecidedCluster({ metadataVersion: 22 })
  expect(refusal(update(cluster, { [ELR_VERSION]: 1 }))).toBe(
    'Invalid update version 1 for feature eligible.leader.replicas.version. eligible.leader.replicas.version could not be set to 1 because it depends on metadata.version level 23',
  )
  expect(update(cluster, { [ELR_VERSION]: 1, [METADATA_VERSION]: 23 }).records).toHaveLength(3)
})

test('kraft.version never goes down, and not up while a voter may not support it', () => {
  const cluster = new DecidedCluster()
  const down = { [KRAFT_VERSION]: 0 }
  const invalid = 'Invalid update version 0 for feature kraft.version. '
  for (const upgradeType of [SAFE_DOWNGRADE, UNSAFE_DOWNGRADE]) {
    expect(refusal(update(cluster, down, { kraftVersion: 1, upgradeType }))).toBe(
      `${invalid}Can't downgrade the version of this feature.`,
    )
    expect(update(cluster, down, { kraftVersion: 0, upgradeType })).toMatchObject({
      records: [],
      answer: { errorCode: 0 },
    })
  }
  expect(refusal(update(cluster, down, { kraftVersion: 1 }))).toBe(
    `${invalid}Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.`,
  )
  expect(refusal(update(cluster, { [KRAFT_VERSION]: 1 }, { upgradeType: SAFE_DOWNGRADE }))).toBe(
    "Invalid update version 1 for feature kraft.version. Can't downgrade to a newer version.",
  )
  expect(refusal(update(cluster, { [KRAFT_VERSION]: 2 }))).toBe(
    'Invalid update version 2 for feature kraft.version. Local controller 100 only supports versions 0-1',
  )
  expect(refusal(update(cluster, { [KRAFT_VERSION]: 1 }, { obstacle: 'Not all know.' }))).toBe('Not all know.')
})

test('every registered broker and controller must support a level, and a static voter must have registered', () => {
  const cluster = new DecidedCluster({ staticVoterIds: [100, 2] })
  expect(refusal(update(cluster, { [KRAFT_VERSION]: 1 }))).toBe(
    'Invalid update version 1 for feature kraft.version. controller 2 has not registered, and may not support this feature',
  )
  const register = (features: readonly FeatureRange[]): void => {
    const record = { controllerId: 2, incarnationId: ZERO_UUID, endPoints: [], features }
    cluster.replay(metadataRecord('RegisterControllerRecord', 0, record))
  }
  register([])
  expect(refusal(update(cluster, { [KRAFT_VERSION]: 1 }))).toContain('Controller 2 does not support this feature.')
  register([{ name: KRAFT_VERSION, minSupportedVersion: 0, maxSupportedVersion: 1 }])
  expect(update(cluster, { [KRAFT_VERSION]: 1 }).kraftVersion).toBe(1)
  // Brokers of the decided cluster name few features.
  cluster.join(1)
  expect(refusal(update(cluster, { [KRAFT_VERSION]: 1 }))).toContain('Broker 1 does not support this feature.')
})

test('what would lose metadata is said with both levels', () => {
  const cluster = new DecidedCluster()
  const asked = { [METADATA_VERSION]: 7 }
  const what = 'Unsupported metadata.version downgrade from 30 to 7. '
  expect(refusal(update(cluster, asked, { upgradeType: SAFE_DOWNGRADE }))).toBe(
    `${what}Refusing to perform the requested downgrade because it might delete metadata information.`,
  )
  expect(refusal(update(cluster, asked, { upgradeType: UNSAFE_DOWNGRADE }))).toBe(
    `${what}Unsafe metadata downgrade is not supported in this version.`,
  )
})
