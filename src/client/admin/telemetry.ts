/** The id that a broker gives to a client whose metrics it may ask for (KIP-714). */
import { ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import { GetTelemetrySubscriptions } from '../../protocol/generated/get-telemetry-subscriptions.ts'
import type { CallOptions } from '../call.ts'
import { throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask } from './admin-call.ts'

const known = new WeakMap<NetworkClient, Uuid>()

/** The same for the life of the client. KafkaError UNSUPPORTED_VERSION where the broker collects no metrics of clients. */
export async function clientInstanceId(client: NetworkClient, options: CallOptions = {}): Promise<Uuid> {
  const before = known.get(client)
  if (before !== undefined) return before
  return ask(client, { name: 'clientInstanceId', target: 'any' }, options, async (node) => {
    const answer = await node.ask(GetTelemetrySubscriptions, { clientInstanceId: ZERO_UUID })
    throwOnError(answer.errorCode)
    known.set(client, answer.clientInstanceId)
    return answer.clientInstanceId
  })
}
