/** Metadata logs as bytes: whether several directories hold the same one. */
import { join } from 'node:path'
import { filesOf } from './replicas.mjs'

const METADATA = '__cluster_metadata-0'
const BATCH_START_BYTES = 12
const LAST_OFFSET_DELTA_AT = 23

/**
 * The batches of a log that hold offsets below `end`, as they are in its files.
 * @param {string} directory a log directory
 * @param {number} end
 */
function batchesBelow(directory, end) {
  const batches = []
  let next = 0
  const folder = join(directory, METADATA)
  for (const { bytes } of filesOf(folder, '.log')) {
    for (let at = 0; at + BATCH_START_BYTES < bytes.length && next < end;) {
      const base = Number(bytes.readBigInt64BE(at))
      const size = BATCH_START_BYTES + bytes.readInt32BE(at + 8)
      if (at + size > bytes.length) break
      next = base + bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT) + 1
      batches.push({ base, bytes: bytes.subarray(at, at + size) })
      at += size
    }
  }
  return { batches, next }
}

/**
 * True if all logs reach `end` and are the same bytes below it; false if one isn't there yet. What only some of them hold, because others
 * began with a snapshot, is not compared.
 * @param {readonly string[]} directories
 * @param {number} end
 */
export function sameUpTo(directories, end) {
  const logs = directories.map((directory) => batchesBelow(directory, end))
  if (logs.some(({ next }) => next < end)) return false
  const start = Math.max(...logs.map(({ batches }) => batches[0]?.base ?? end))
  const common = logs.map(({ batches }) => batches.filter(({ base }) => base >= start))
  const [first, ...others] = common.map((batches) => Buffer.concat(batches.map(({ bytes }) => bytes)))
  for (const [index, other] of others.entries()) {
    if (other.equals(first)) continue
    const differs = common[0].find(({ bytes }, at) => !common[index + 1][at]?.bytes.equals(bytes))
    throw new Error(`${directories[index + 1]} differs from ${directories[0]} at offset ${differs?.base ?? 'unknown'}`)
  }
  return true
}
