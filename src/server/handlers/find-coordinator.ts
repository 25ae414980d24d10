/**
 * FindCoordinator v0-6: which broker coordinates a group, or a transactional id.
 *
 * v1 brings key types (0 group, 1 transaction, 2 share), v4 several keys. The first question creates the coordinator's topic. An
 * error message stands as the text "NONE" in a good answer of v1 to v3, as Kafka sends it.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { endpointOf, type Endpoint } from '../endpoints.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'
import { CONSUMER_OFFSETS, TRANSACTION_STATE } from '../topic-names.ts'

const GROUP = 0
const TRANSACTION = 1
const SHARE = 2
/** What Kafka says of any INVALID_REQUEST. */
export const INVALID_REQUEST_TEXT =
  'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.'
const NOWHERE: Endpoint = { id: -1, host: '', port: -1, rack: null }

export const findCoordinatorHandler = handler(FindCoordinator, {
  handle: async (services, request, context) => {
    const { apiVersion } = context
    const keys = apiVersion >= 4 ? request.coordinatorKeys : [request.key]
    const coordinators = []
    for (const key of keys) {
      const found = await findOrFail(services, key, request.keyType, context)
      const failed = found instanceof KafkaError
      const { id, host, port } = failed ? NOWHERE : found
      const errorCode = failed ? found.errno : ERROR_CODES.NONE
      const errorMessage = failed ? found.message : apiVersion >= 4 ? '' : 'NONE'
      coordinators.push({ key, nodeId: id, host, port, errorCode, errorMessage })
    }
    if (apiVersion >= 4) return { coordinators }
    const { nodeId, host, port, errorCode, errorMessage } = coordinators[0]!
    return { nodeId, host, port, errorCode, errorMessage }
  },
  failed: (request, error, version) =>
    version >= 4
      ? {
          coordinators: request.coordinatorKeys.map((key) => ({
            key,
            nodeId: -1,
            host: '',
            port: -1,
            errorCode: error.errno,
            errorMessage: error.message,
          })),
        }
      : { nodeId: -1, host: '', port: -1, errorCode: error.errno, errorMessage: error.message },
})

async function findOrFail(
  services: Services,
  key: string,
  keyType: number,
  context: RequestContext,
): Promise<Endpoint | KafkaError> {
  if (keyType === SHARE && context.apiVersion >= 6)
    return new KafkaError('INVALID_REQUEST', 'Share groups are not served by this release of Klamm.')
  if (keyType !== GROUP && keyType !== TRANSACTION) return new KafkaError('INVALID_REQUEST', INVALID_REQUEST_TEXT)
  const topic = keyType === GROUP ? CONSUMER_OFFSETS : TRANSACTION_STATE
  if (services.image().topics.byName(topic) === null) {
    const failed = await services.autoTopics.create([topic])
    if (failed.size > 0) return notAvailable()
  }
  const image = services.image()
  const partition = keyType === GROUP ? services.groups.partitionOf(key) : services.transactions.partitionOf(key)
  const leader = image.topics.partition(topic, partition)?.leader ?? -1
  const broker = image.cluster.brokers.get(leader)
  if (broker === undefined || broker.fenced) return notAvailable()
  return endpointOf(broker, context.listener) ?? notAvailable()
}

function notAvailable(): KafkaError {
  return new KafkaError('COORDINATOR_NOT_AVAILABLE', 'The coordinator is not available.')
}
