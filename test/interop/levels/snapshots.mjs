/**
 * What the nodes of a cluster know of it, as their own snapshots of the metadata log tell it: Apache Kafka's tool reads all of them.
 * Behind the last decision the log holds nothing but records that say nothing, so the snapshots behind it are the same
 * records, wherever each of them ends.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { java } from '../lib/java.mjs'
import { until } from '../lib/process.mjs'

const METADATA = '__cluster_metadata-0'

/** The end offset of a snapshot is in its name. */
const endOf = (name) => Number(name.slice(0, 20))

/** The path of a node's last snapshot that holds all below `end`; undefined if there is none. */
function snapshotBehind(node, end) {
  const folder = join(node.dataDirectory, METADATA)
  const name = readdirSync(folder)
    .filter((file) => file.endsWith('.checkpoint') && endOf(file) >= end)
    .sort()
    .at(-1)
  return name === undefined ? undefined : join(folder, name)
}

/**
 * By node id, as soon as there are some.
 * @param {readonly import('../lib/cluster.mjs').ClusterNode[]} nodes
 * @param {number} end
 */
export async function snapshotsBehind(nodes, end) {
  const files = {}
  for (const node of nodes) {
    files[node.id] = await until(() => snapshotBehind(node, end), `node ${node.id} has a snapshot behind ${end}`)
  }
  return files
}

/** Features of a registration come in the order of a hash table. */
function inOrder(json) {
  const record = JSON.parse(json)
  record.data.features?.sort((left, right) => left.name.localeCompare(right.name))
  return JSON.stringify(record)
}

/**
 * The records of snapshots, sorted, by path.
 * @param {string} jars
 * @param {readonly string[]} files
 * @returns {Promise<Map<string, { type: string, version: number, data: Record<string, unknown> }[]>>}
 */
export async function recordsOf(jars, files) {
  const args = ['--cluster-metadata-decoder', '--files', files.join()]
  const { stdout } = await java(jars, 'org.apache.kafka.tools.DumpLogSegments', args)
  const found = new Map()
  for (const section of stdout.split(/^Dumping /m).slice(1)) {
    const path = section.slice(0, section.indexOf('\n')).trim()
    if (/isvalid: false|Error at|Could not|skipping/i.test(section)) throw new Error(`Kafka can't read all of ${path}`)
    const records = [...section.matchAll(/ payload: (\{"type".*\})$/gm)].map(([, json]) => json)
    found.set(
      path,
      records
        .map(inOrder)
        .sort()
        .map((json) => JSON.parse(json)),
    )
  }
  return found
}
