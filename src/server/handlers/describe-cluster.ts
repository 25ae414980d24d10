/** DescribeCluster v0-2 (KIP-700): brokers and cluster id; v1 asks for brokers (1) or controllers (2), v2 for fenced ones too. */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { DescribeCluster } from '../../protocol/generated/describe-cluster.ts'
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from '../authorized-operations.ts'
import { endpointOf } from '../endpoints.ts'
import { handler } from '../handler.ts'

const BROKERS = 1
const CONTROLLERS = 2

export const describeClusterHandler = handler(DescribeCluster, {
  handle: (services, request, context) => {
    if (request.endpointType !== BROKERS) {
      const known = request.endpointType === CONTROLLERS
      return {
        errorCode: known ? ERROR_CODES.MISMATCHED_ENDPOINT_TYPE : ERROR_CODES.UNSUPPORTED_ENDPOINT_TYPE,
        errorMessage: known
          ? 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
          : `Unsupported endpoint type ${request.endpointType}`,
        clusterId: '',
      }
    }
    const image = services.image()
    const brokers = [...image.cluster.brokers.values()]
      .filter(({ fenced }) => !fenced || request.includeFencedBrokers)
      .flatMap((broker) => {
        const endpoint = endpointOf(broker, context.listener)
        if (endpoint === null) return []
        return [
          { brokerId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack, isFenced: broker.fenced },
        ]
      })
    const live = brokers.filter(({ isFenced }) => !isFenced)
    return {
      clusterId: services.clusterId,
      controllerId: live.length === 0 ? -1 : live[services.random.below(live.length)]!.brokerId,
      brokers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
    }
  },
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message, clusterId: '' }),
})
