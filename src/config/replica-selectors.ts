/** What `replica.selector.class` may name: Kafka's own, since classes of Java can't be loaded. */
export const RACK_AWARE_SELECTOR = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'
const LEADER_SELECTOR = 'org.apache.kafka.common.replica.LeaderSelector'

/** Null: none, which is as good as the leader's. */
export function isKnownSelector(name: string | null): boolean {
  return name === null || name === RACK_AWARE_SELECTOR || name === LEADER_SELECTOR
}
