/**
 * What the nodes of a cluster know of it, as their own snapshots of the metadata log tell it: Apache Kafka's tool reads all of them.
 * Some time behind the last decision the log holds nothing but records that say nothing, so the snapshots behind it are the same
 * records, wherever each of them ends.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { equal } from '../lib/expect.mjs'
import { java } from '../lib/java.mjs'
import { sameUpTo } from '../lib/metadata-log.mjs'
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

/** The paths of the nodes' last snapshots, as soon as all of them have one that holds all below `end`. */
async function snapshotsBehind(nodes, end) {
  const files = []
  for (const node of nodes) {
    files.push(await until(() => snapshotBehind(node, end), `node ${node.id} has a snapshot behind ${end}`))
  }
  return files
}

/** Features of a registration come in the order of a hash table. */
function inOrder(json) {
  const record = JSON.parse(json)
  record.data.features?.sort((left, right) => left.name.localeCompare(right.name))
  return JSON.stringify(record)
}

/** The records of snapshots, sorted, in the order of their paths. */
async function recordsOf(jars, files) {
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
  return files.map((file) => found.get(file))
}

/**
 * Waits until the nodes' logs are the same as far as they are committed; that offset.
 * @param {import('../lib/cluster.mjs').Cluster} cluster
 * @returns {Promise<number>}
 */
export async function sameLog(cluster) {
  const { highWatermark } = await cluster.ask('quorum')
  const directories = cluster.nodes.map(({ dataDirectory }) => dataDirectory)
  await until(() => sameUpTo(directories, highWatermark), `the metadata logs are the same up to ${highWatermark}`)
  return highWatermark
}

/**
 * Waits until the nodes have the same log and the same image, all of their own; its records, sorted. What was decided may have more
 * to come: at a raised level each broker's next heartbeat tells more than before.
 * @param {string} jars of Kafka
 * @param {import('../lib/cluster.mjs').Cluster} cluster whose nodes run
 * @returns {Promise<{ type: string, version: number, data: Record<string, unknown> }[]>}
 */
export async function sameImage(jars, cluster) {
  let images = []
  const areSame = async () => {
    images = await recordsOf(jars, await snapshotsBehind(cluster.nodes, await sameLog(cluster)))
    return images.every((image) => isDeepStrictEqual(image, images[0]))
  }
  try {
    await until(areSame, 'all nodes have the same image')
  } catch (error) {
    for (const image of images) equal(image, images[0], error.message)
    throw error
  }
  return images[0]
}
