/** Partitions with replicas on Kafka and Klamm at once: see test/interop/replication. */
import { leading } from '../replication/leading.mjs'

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  await leading(suite)
}
