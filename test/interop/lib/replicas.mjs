/** What replicas have on disk: the same bytes, wherever each of them began a new segment. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './process.mjs'

const METADATA = '__cluster_metadata-0'

const LISTINGS_MAX = 100

/** A directory's files with such a name in their order, all of them: one that goes while it is read has the directory listed again. */
export function filesOf(directory, suffix) {
  for (let listings = 1; ; listings++) {
    try {
      const names = readdirSync(directory).filter((file) => file.endsWith(suffix))
      return names.sort().map((name) => ({ name, bytes: readFileSync(join(directory, name)) }))
    } catch (error) {
      if (error.code !== 'ENOENT' || listings === LISTINGS_MAX) throw error
    }
  }
}

/** The records of a partition's directory, all segments behind each other, and the offset of the first. */
function recordsOf(directory) {
  const segments = filesOf(directory, '.log')
  return {
    from: Number(segments[0]?.name.slice(0, 20)),
    bytes: Buffer.concat(segments.map(({ bytes }) => bytes)),
  }
}

const partitionsOf = (node) =>
  readdirSync(node.dataDirectory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /-\d+$/.test(entry.name))
    .map(({ name }) => name)
    .sort()

/** How two copies differ; null: not at all. The metadata log goes on by itself: there one may have more. */
function difference(partition, one, other) {
  if (one.from !== other.from) return `${partition}: one begins at ${one.from}, another at ${other.from}`
  const length = Math.min(one.bytes.length, other.bytes.length)
  if (!one.bytes.subarray(0, length).equals(other.bytes.subarray(0, length))) {
    let at = 0
    while (one.bytes[at] === other.bytes[at]) at++
    return `${partition}: the copies differ from byte ${at} on`
  }
  if (partition === METADATA) return null
  return one.bytes.length === other.bytes.length
    ? null
    : `${partition}: ${one.bytes.length} and ${other.bytes.length} bytes`
}

/** `replicas`: how many nodes have each partition; null: as many as there are for each. */
function differences(nodes, replicas) {
  const found = []
  const holders = new Map()
  for (const node of nodes)
    for (const name of partitionsOf(node)) holders.set(name, [...(holders.get(name) ?? []), node])
  let bytes = 0
  for (const [name, [first, ...others]] of holders) {
    if (replicas !== null && others.length + 1 < replicas) {
      found.push(`${name} is on nodes ${[first, ...others].map(({ id }) => id).join(' ')} only`)
      continue
    }
    const ours = recordsOf(join(first.dataDirectory, name))
    bytes += ours.bytes.length
    for (const other of others) {
      const found_ = difference(name, ours, recordsOf(join(other.dataDirectory, name)))
      if (found_ !== null) found.push(`nodes ${first.id} and ${other.id}: ${found_}`)
    }
  }
  return { found, bytes, partitions: holders.size }
}

/**
 * Waits until the copies of all partitions on all nodes are equal byte for byte; nobody writes any more.
 * @param {readonly import('./cluster.mjs').ClusterNode[]} nodes
 * @param {{ timeoutMs?: number, replicas?: number | null }} [options] replicas: on how many of the nodes each partition is; null: on any number
 */
export async function replicasAreEqual(nodes, { timeoutMs = 20_000, replicas = nodes.length } = {}) {
  let last
  const equal = () => {
    last = differences(nodes, replicas)
    return last.found.length === 0
  }
  await until(equal, 'the replicas are equal', timeoutMs).catch((error) => {
    throw new Error(`${error.message}:\n${last.found.slice(0, 20).join('\n')}`)
  })
  return `${last.partitions} partitions, ${(last.bytes / 1e6).toFixed(1)} MB`
}
