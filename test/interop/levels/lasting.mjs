/**
 * What lasts of the same decisions in two clusters: the records of a snapshot without what no two clusters have in common (ids that were
 * drawn, offsets, ports) and without what chance or time decided (where a topic was placed, how many epochs passed).
 */

/** Of whose kind a node is, and of which process. */
const REGISTRATIONS = new Set(['REGISTER_BROKER_RECORD', 'REGISTER_CONTROLLER_RECORD', 'PRODUCER_IDS_RECORD'])
/** Placed by the controller, which draws where it begins. */
const isDrawn = (topic) => topic === 'placed' || topic.startsWith('__')

/** @param {readonly { type: string, version: number, data: Record<string, unknown> }[]} records */
export function lasting(records) {
  const names = new Map(
    records.filter(({ type }) => type === 'TOPIC_RECORD').map(({ data }) => [data.topicId, data.name]),
  )
  const told = ({ type, version, data }) => {
    if (REGISTRATIONS.has(type)) {
      const { brokerId, controllerId, fenced, inControlledShutdown, logDirs } = data
      return { type, version, brokerId, controllerId, fenced, inControlledShutdown, directories: logDirs?.length }
    }
    if (type === 'TOPIC_RECORD') return { type, version, name: data.name }
    if (type !== 'PARTITION_RECORD') return { type, version, ...data }
    const {
      topicId,
      partitionId,
      replicas,
      isr,
      leader,
      directories,
      leaderEpoch: _,
      partitionEpoch: _2,
      ...rest
    } = data
    const topic = names.get(topicId)
    const places = isDrawn(topic) ? { replicas: replicas.length } : { replicas, isr: isr.toSorted(), leader }
    return { type, version, topic, partitionId, ...places, directories: directories?.length, ...rest }
  }
  return records.map((record) => JSON.stringify(told(record))).sort()
}
