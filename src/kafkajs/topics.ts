/** Which topics there are. */
import { listTopics } from '../client/admin/topics.ts'
import type { NetworkClient } from '../client/network-client.ts'

/** Kafka's own, too, as in kafkajs. */
export async function allTopics(network: NetworkClient): Promise<string[]> {
  const listings = await listTopics(network, { listInternal: true })
  return listings.map(({ name }) => name)
}

export async function matchingTopics(network: NetworkClient, pattern: RegExp): Promise<string[]> {
  // A RegExp with the flag g remembers where it was.
  const whole = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  return (await allTopics(network)).filter((name) => whole.test(name))
}
