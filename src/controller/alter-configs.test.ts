/** Whose settings can be changed, and which values no record can hold: in Kafka's words. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import { IncrementalAlterConfigsRequest } from '../protocol/generated/incremental-alter-configs.ts'
import { DecidedCluster } from '../testing/decided-cluster.ts'
import { incrementalAlterConfigs } from './alter-configs.ts'

function setOfBroker(cluster: DecidedCluster, resourceName: string, name: string, value: string | null) {
  const resource = { resourceType: CONFIG_RESOURCE.BROKER, resourceName }
  const request = IncrementalAlterConfigsRequest.make({
    resources: [{ ...resource, configs: [{ name, value, configOperation: value === null ? 1 : 0 }] }],
  })
  return cluster.decide((state) => incrementalAlterConfigs(state, request)).responses?.[0]
}

test('settings are those of a node that is registered, a controller or this one, or of the cluster', () => {
  const cluster = new DecidedCluster({ staticVoterIds: [100, 101] })
  cluster.join(1)
  for (const node of ['', '1', '100', '101']) {
    expect(setOfBroker(cluster, node, 'background.threads', '7')?.errorCode).toBe(0)
  }
  expect(setOfBroker(cluster, '99', 'background.threads', '7')).toMatchObject({
    errorCode: ERROR_CODES.BROKER_ID_NOT_REGISTERED,
    errorMessage: 'No node with id 99 found.',
  })
  expect(cluster.records).toEqual([])
})

test('directories are cordoned where records can tell of it, and a value fits into its record', () => {
  const refused = { errorCode: ERROR_CODES.INVALID_CONFIG }
  expect(setOfBroker(new DecidedCluster({ metadataVersion: 29 }), '', 'cordoned.log.dirs', '/a')).toMatchObject({
    ...refused,
    errorMessage:
      'The cordoned.log.dirs configuration value cannot be set because it requires metadata.version >= 4.3-IV0',
  })
  expect(setOfBroker(new DecidedCluster(), '', 'cordoned.log.dirs', '/a')?.errorCode).toBe(0)
  expect(setOfBroker(new DecidedCluster(), '', 'log.cleanup.policy', 'x'.repeat(32_768))).toMatchObject({
    ...refused,
    errorMessage: 'The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.',
  })
})

test('what is taken from a broker that does not have it is written all the same', () => {
  const cluster = new DecidedCluster()
  cluster.join(1)
  setOfBroker(cluster, '1', 'background.threads', null)
  expect(cluster.records).toMatchObject([{ type: 'ConfigRecord', data: { name: 'background.threads', value: null } }])
})
