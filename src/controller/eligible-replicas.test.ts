/** eligible.leader.replicas.version and min.insync.replicas: one cannot be had without the other being the same everywhere. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { bootstrapRecords } from '../metadata/bootstrap.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import { ELR_VERSION } from '../metadata/features.ts'
import { metadataRecord } from '../metadata/metadata-records.ts'
import { IncrementalAlterConfigsRequest } from '../protocol/generated/incremental-alter-configs.ts'
import { UpdateFeaturesRequest } from '../protocol/generated/update-features.ts'
import { DecidedCluster } from '../testing/decided-cluster.ts'
import { bootstrapDecision } from './activation.ts'
import { incrementalAlterConfigs } from './alter-configs.ts'
import { updateFeatures } from './update-features.ts'

const MIN_ISR = 'min.insync.replicas'

function alter(cluster: DecidedCluster, resourceType: number, resourceName: string, value: string | null) {
  const configs = [{ name: MIN_ISR, configOperation: value === null ? 1 : 0, value }]
  const request = IncrementalAlterConfigsRequest.make({ resources: [{ resourceType, resourceName, configs }] })
  return cluster.decide((state) => incrementalAlterConfigs(state, request)).responses?.[0]
}

function enable(cluster: DecidedCluster, validateOnly = false) {
  const featureUpdates = [{ feature: ELR_VERSION, maxVersionLevel: 1, upgradeType: 1 }]
  const request = UpdateFeaturesRequest.make({ featureUpdates, validateOnly })
  return cluster.decide((state) =>
    updateFeatures(state, request, 2, { kraftVersion: 1, kraftVersionObstacle: () => null }),
  )
}

test('under another minimum nobody is eligible until it is known anew', () => {
  const cluster = new DecidedCluster({ withElr: true, minIsr: 2 })
  cluster.join(1, 2)
  cluster.topic([[1, 2]], [{ isr: [1], elr: [2] }])
  alter(cluster, CONFIG_RESOURCE.TOPIC, 't', '1')
  expect(cluster.records.map(({ type }) => type)).toEqual(['ConfigRecord', 'ClearElrRecord'])
  expect(cluster.partition()).toMatchObject({ elr: [], partitionEpoch: 1 })
  alter(cluster, CONFIG_RESOURCE.BROKER, '', '1')
  expect(cluster.records[1]).toMatchObject({ type: 'ClearElrRecord', data: { topicName: '' } })
  const before = new DecidedCluster({ minIsr: 2 })
  alter(before, CONFIG_RESOURCE.BROKER, '', '1')
  expect(before.records.map(({ type }) => type)).toEqual(['ConfigRecord'])
})

test('a minimum of one broker alone, or none of the cluster, is refused', () => {
  const cluster = new DecidedCluster({ withElr: true, minIsr: 2 })
  expect(alter(cluster, CONFIG_RESOURCE.BROKER, '1', '2')).toMatchObject({
    errorCode: ERROR_CODES.INVALID_CONFIG,
    errorMessage: 'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
  })
  expect(alter(cluster, CONFIG_RESOURCE.BROKER, '', null)).toMatchObject({
    errorCode: ERROR_CODES.INVALID_CONFIG,
    errorMessage: 'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
  })
  expect(cluster.records).toEqual([])
})

test('with the feature the cluster states a minimum, and those of single brokers end', () => {
  const cluster = new DecidedCluster()
  cluster.config('', 'log.retention.ms', '1')
  const own = { resourceType: CONFIG_RESOURCE.BROKER, resourceName: '7', name: MIN_ISR, value: '3' }
  cluster.replay(metadataRecord('ConfigRecord', 0, own))
  enable(cluster, true)
  expect(cluster.records).toEqual([])
  expect(enable(cluster)).toMatchObject({ errorCode: 0 })
  const { configs, features } = cluster.image
  expect(configs.get(CONFIG_RESOURCE.BROKER, '').get(MIN_ISR)).toBe('1')
  expect(configs.get(CONFIG_RESOURCE.BROKER, '7').has(MIN_ISR)).toBe(false)
  expect(features.levels.get(ELR_VERSION)).toBe(1)
  // What the cluster states already stays.
  const stated = new DecidedCluster({ minIsr: 2 })
  enable(stated)
  expect(stated.records).toHaveLength(1)
})

test('the records of before 4.0 have no place for eligible replicas', () => {
  expect(enable(new DecidedCluster({ metadataVersion: 22 }))).toMatchObject({
    errorCode: ERROR_CODES.INVALID_UPDATE_VERSION,
  })
  expect(enable(new DecidedCluster({ metadataVersion: 23 }))).toMatchObject({ errorCode: 0 })
})

test('a new cluster with the feature states its minimum behind its features, as one metadata transaction', () => {
  const feature = metadataRecord('FeatureLevelRecord', 0, { name: ELR_VERSION, featureLevel: 1 })
  const records = bootstrapDecision([...bootstrapRecords(30), feature], '2')
  expect(records.map(({ type }) => type).slice(-3)).toEqual([
    'FeatureLevelRecord',
    'ConfigRecord',
    'EndTransactionRecord',
  ])
  expect(records.at(-2)?.data).toMatchObject({ resourceType: 4, resourceName: '', name: MIN_ISR, value: '2' })
  expect(bootstrapDecision(bootstrapRecords(30), '2').map(({ type }) => type)).not.toContain('ConfigRecord')
})
