/** `klamm cluster …` */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { Run } from './command.ts'

async function brokersOf(admin: AdminClient) {
  const { clusterId, controller, nodes } = await admin.describeCluster()
  const brokers = nodes.map(({ id, host, port, rack }) => ({ id, host, port, rack })).sort((a, b) => a.id - b.id)
  return { clusterId, controller: controller?.id ?? null, brokers }
}

type Brokers = Awaited<ReturnType<typeof brokersOf>>['brokers']

function brokerTable(brokers: Brokers) {
  return { columns: ['id', 'host', 'port', 'rack'], rows: brokers.map((one) => [one.id, one.host, one.port, one.rack]) }
}

export const clusterInfo: Run = async ({ output, withAdmin }) => {
  const data = await withAdmin(async (admin) => {
    const topics = await admin.listTopics({ listInternal: true })
    return { ...(await brokersOf(admin)), topics: topics.length }
  })
  output.show(data, () => [
    {
      title: null,
      columns: ['cluster', 'controller', 'brokers', 'topics'],
      rows: [[data.clusterId, data.controller, data.brokers.length, data.topics]],
    },
    { title: null, ...brokerTable(data.brokers) },
  ])
}

export const listBrokers: Run = async ({ output, withAdmin }) => {
  const { brokers } = await withAdmin(brokersOf)
  output.show(brokers, () => [{ title: null, ...brokerTable(brokers) }])
}

export const listFeatures: Run = async ({ output, withAdmin }) => {
  const { supportedFeatures, finalizedFeatures } = await withAdmin((admin) => admin.describeFeatures())
  const data = Object.entries(supportedFeatures)
    .map(([name, { minVersion, maxVersion }]) => {
      return { name, inUse: finalizedFeatures[name]?.maxVersionLevel ?? 0, minVersion, maxVersion }
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
  output.show(data, () => [
    {
      title: null,
      columns: ['feature', 'in use', 'from', 'to'],
      rows: data.map((one) => [one.name, one.inUse, one.minVersion, one.maxVersion]),
    },
  ])
}

export const showQuorum: Run = async ({ output, withAdmin }) => {
  const quorum = await withAdmin((admin) => admin.describeMetadataQuorum())
  const end = Math.max(0, ...quorum.voters.map(({ logEndOffset }) => logEndOffset))
  const replicas = (['voters', 'observers'] as const).flatMap((role) =>
    quorum[role].map(({ replicaId, replicaDirectoryId, logEndOffset, lastCaughtUpTimestamp }) => ({
      id: replicaId,
      role: replicaId === quorum.leaderId ? 'leader' : role === 'voters' ? 'voter' : 'observer',
      directoryId: replicaDirectoryId,
      endOffset: logEndOffset,
      lag: Math.max(0, end - logEndOffset),
      caughtUpMs: lastCaughtUpTimestamp,
    })),
  )
  const { leaderId, leaderEpoch, highWatermark } = quorum
  output.show({ leaderId, leaderEpoch, highWatermark, replicas }, () => [
    { title: null, columns: ['leader', 'epoch', 'high watermark'], rows: [[leaderId, leaderEpoch, highWatermark]] },
    {
      title: null,
      columns: ['id', 'role', 'end', 'lag'],
      rows: replicas.map((one) => [one.id, one.role, one.endOffset, one.lag]),
    },
  ])
}

export const listLogDirs: Run = async ({ output, withAdmin }) => {
  const data = await withAdmin(async (admin) => {
    const { brokers } = await brokersOf(admin)
    const all = (await admin.describeLogDirs(brokers.map(({ id }) => id))).all()
    return [...all].flatMap(([broker, directories]) =>
      [...directories].map(([directory, outcome]) => {
        if (outcome instanceof Error) {
          const none = { replicas: null, bytes: null, totalBytes: null, usableBytes: null }
          return { broker, directory, ...none, error: outcome.message }
        }
        const { replicas, totalBytes, usableBytes } = outcome
        const bytes = replicas.reduce((sum, { size }) => sum + size, 0)
        return { broker, directory, replicas: replicas.length, bytes, totalBytes, usableBytes, error: null }
      }),
    )
  })
  output.show(data, () => [
    {
      title: null,
      columns: ['broker', 'directory', 'replicas', 'bytes', 'usable', 'error'],
      rows: data.map((one) => [one.broker, one.directory, one.replicas, one.bytes, one.usableBytes, one.error]),
    },
  ])
}
