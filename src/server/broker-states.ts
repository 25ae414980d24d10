/**
 * What partitions ask of the metadata about other brokers. `image` is the newest one: a leader that takes over an ISR without a broker
 * must not take that broker for a live one still, and wait for it.
 */
import type { MetadataImage } from '../metadata/image.ts'
import type { BrokerStates } from '../replication/leader-state.ts'

export function brokerStates(image: () => MetadataImage): BrokerStates {
  return {
    liveEpoch(brokerId) {
      const broker = image().cluster.brokers.get(brokerId)
      return broker === undefined || broker.fenced ? null : broker.epoch
    },
    isShuttingDown: (brokerId) => image().cluster.brokers.get(brokerId)?.inControlledShutdown ?? false,
  }
}
