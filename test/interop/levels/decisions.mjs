/**
 * What is asked of a controller so that it writes every record that it can write: topics with and without named replicas, settings of
 * all kinds, more partitions, replicas that move, leaders that are elected, producer ids, features; and quotas.
 */
/** It depends on a metadata.version that the lowest levels are below. */
const ELR = 'eligible.leader.replicas.version'
const QUOTAS = [
  { entity: { user: 'alice' }, quotas: { producer_byte_rate: 1_000_000, request_percentage: 12.5 } },
  { entity: { user: null, 'client-id': 'batch' }, quotas: { consumer_byte_rate: 5000 } },
  { entity: { ip: '10.0.0.1' }, quotas: { connection_creation_rate: 7 } },
]
const FEWER_QUOTAS = [{ entity: { user: 'alice' }, quotas: { request_percentage: null } }]

/**
 * In two halves, between which broker 2 restarts; `told` is what was said to each request.
 * @param {import('../../../src/index.ts').Klamm} client
 */
export function decisions(client) {
  const admin = client.admin()
  const topic = (name) => ({ type: 'TOPIC', name })
  const broker = (name) => ({ type: 'BROKER', name })
  const settings = (resource, values) => ({
    resource,
    operations: Object.entries(values).map(([name, value]) =>
      value === null ? { name, operation: 'DELETE' } : { name, value },
    ),
  })
  const told = []
  const ask = async (what, asking) => {
    let said = 'done'
    try {
      ;(await asking()).all()
    } catch (error) {
      said = error.code ?? String(error)
    }
    told.push(`${what}: ${said}`)
  }
  return {
    told,
    async first() {
      const named = [
        [1, 2],
        [2, 1],
        [2, 1],
      ]
      await ask('topics', () =>
        admin.createTopics([
          { name: 'kept', replicasAssignments: named, configs: { 'retention.ms': '123456789' } },
          { name: 'moved', replicasAssignments: [[1], [2]] },
          { name: 'placed', numPartitions: 3, replicationFactor: 2, configs: { 'min.insync.replicas': '2' } },
          { name: 'deleted', numPartitions: 2, replicationFactor: 1 },
        ]),
      )
      await ask('settings', () =>
        admin.incrementalAlterConfigs([
          settings(topic('kept'), { 'max.message.bytes': '777777', 'retention.ms': null }),
          settings(topic('moved'), { 'cleanup.policy': 'compact' }),
          settings(broker(''), { 'message.max.bytes': '888888', 'log.retention.ms': '-1' }),
          settings(broker('2'), { 'background.threads': '7' }),
          settings({ type: 'CLIENT_METRICS', name: 'slow' }, { 'interval.ms': '30000' }),
        ]),
      )
      await ask('partitions', () =>
        admin.createPartitions([
          {
            topic: 'kept',
            totalCount: 5,
            newAssignments: [
              [2, 1],
              [1, 2],
            ],
          },
          { topic: 'placed', totalCount: 4 },
        ]),
      )
      await ask('moves', () =>
        admin.alterPartitionReassignments([
          { topic: 'moved', partition: 0, targetReplicas: [2] },
          { topic: 'moved', partition: 1, targetReplicas: [1, 2] },
        ]),
      )
      await ask('deletion', () => admin.deleteTopics(['deleted']))
      await ask('quotas', () => admin.alterClientQuotas(QUOTAS))
      await ask('fewer quotas', () => admin.alterClientQuotas(FEWER_QUOTAS))
      await ask('eligible leader replicas', () => admin.updateFeatures([{ feature: ELR, maxVersionLevel: 1 }]))
      const producer = client.producer({ acks: 'all' })
      await producer.sendAll([0, 1, 2].map((partition) => ({ topic: 'kept', partition, value: `value ${partition}` })))
      await producer.close()
    },
    async second() {
      await ask('elections', () => admin.electLeaders('PREFERRED', [{ topic: 'kept', partition: 1 }]))
      await ask('moves back', () =>
        admin.alterPartitionReassignments([{ topic: 'moved', partition: 0, targetReplicas: [1, 2] }]),
      )
      await ask('one more topic', () => admin.createTopics([{ name: 'last', replicasAssignments: [[2, 1]] }]))
    },
  }
}
