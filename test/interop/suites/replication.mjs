/**
 * Partitions with replicas on Kafka and Klamm at once: see test/interop/replication. `KLAMM_REPLICATION=following` runs one part.
 */
import { coordinating } from '../replication/coordinating.mjs'
import { following } from '../replication/following.mjs'
import { leading } from '../replication/leading.mjs'
import { throttled } from '../replication/throttled.mjs'

const PARTS = { leading, following, coordinating, throttled }

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const asked = process.env['KLAMM_REPLICATION']
  for (const [name, part] of Object.entries(PARTS)) if (asked === undefined || asked === name) await part(suite)
}
