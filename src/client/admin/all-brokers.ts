/** Questions that every broker of the cluster answers for itself. */
import { Metadata } from '../../protocol/generated/metadata.ts'
import { timeOf, type CallOptions } from '../call.ts'
import { KafkaError } from '../../base/errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask, askByKey, type AdminNode } from './admin-call.ts'
import { byId } from './admin-types.ts'
import type { Outcomes } from './outcomes.ts'
import { routeBy } from './routes.ts'

/** Ids of the brokers that are there now. Their addresses are known from then on. */
export async function brokerIds(client: NetworkClient, call: CallOptions = {}): Promise<number[]> {
  return ask(client, { name: 'findAllBrokers', target: 'any' }, call, async (node) => {
    const answer = await node.ask(Metadata, { topics: [], allowAutoTopicCreation: true }, { versions: { min: 1 } })
    if (answer.brokers.length === 0) throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'The broker knows no nodes yet.')
    const nodes = answer.brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }))
    client.metadata.applyNodes(nodes, answer.clusterId ?? client.metadata.clusterId ?? '', answer.controllerId)
    return nodes.map(({ id }) => id)
  })
}

/** One answer or error by broker. */
export async function askAllBrokers<Value>(
  client: NetworkClient,
  { name, isPassing }: { readonly name: string; readonly isPassing: (error: Error) => boolean },
  options: CallOptions,
  question: (node: AdminNode) => Promise<Value>,
): Promise<Outcomes<number, Value>> {
  const left = timeOf(client.world.clock, options, client.options.callTimeoutMs)
  const keys = await brokerIds(client, left())
  return askByKey<number, Value>(
    client,
    {
      name,
      keys,
      textOf: byId,
      route: routeBy((id) => id),
      isPassing,
      ask: async (node, ids) => (ids.length === 0 ? [] : [[ids[0]!, await question(node)]]),
    },
    left(),
  )
}
