import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { AdminClient } from './admin.ts'

/** The methods of org.apache.kafka.clients.admin.Admin, 4.3.1. */
const JAVA = `
abortTransaction addRaftVoter alterClientQuotas alterConsumerGroupOffsets alterPartitionReassignments
alterReplicaLogDirs alterShareGroupOffsets alterStreamsGroupOffsets alterUserScramCredentials clientInstanceId close
create createAcls createDelegationToken createPartitions createTopics deleteAcls deleteConsumerGroupOffsets
deleteConsumerGroups deleteRecords deleteShareGroupOffsets deleteShareGroups deleteStreamsGroupOffsets
deleteStreamsGroups deleteTopics describeAcls describeClassicGroups describeClientQuotas describeCluster
describeConfigs describeConsumerGroups describeDelegationToken describeFeatures describeLogDirs
describeMetadataQuorum describeProducers describeReplicaLogDirs describeShareGroups describeStreamsGroups
describeTopics describeTransactions describeUserScramCredentials electLeaders expireDelegationToken fenceProducers
forceTerminateTransaction incrementalAlterConfigs listClientMetricsResources listConfigResources
listConsumerGroupOffsets listConsumerGroups listGroups listOffsets listPartitionReassignments listShareGroupOffsets
listStreamsGroupOffsets listTopics listTransactions metrics registerMetricForSubscription
removeMembersFromConsumerGroup removeRaftVoter renewDelegationToken unregisterBroker unregisterMetricFromSubscription
updateFeatures
`
  .trim()
  .split(/\s+/)

const PAGE = readFileSync(new URL('../../../docs/ADMIN.md', import.meta.url), 'utf8')

function rows(text: string): Map<string, string[]> {
  const found = [...text.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)]
  return new Map(found.map(([, name, rest]) => [name!, rest!.split('|').map((cell) => cell.trim())]))
}

test('docs/ADMIN.md names every method of the Admin of Java, and each that is here has a test that calls it', () => {
  const [here, absent] = PAGE.split('Not there, and why:').map(rows)
  const methods = Object.getOwnPropertyNames(AdminClient.prototype)
  for (const name of JAVA) {
    if (name === 'close') continue
    expect(here!.has(name) !== absent!.has(name), name).toBe(true)
    if (absent!.has(name)) continue
    expect(methods, name).toContain(name)
    const file = here!.get(name)!.at(-1)!.replaceAll('`', '')
    expect(readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8'), name).toContain(`admin.${name}(`)
  }
  const extra = methods.filter((name) => !JAVA.includes(name))
  expect(extra).toEqual(['constructor', 'isClosed'])
})
