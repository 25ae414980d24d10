/**
 * DescribeCluster v1-2 on a controller (KIP-919): the controllers of the cluster and which of them is active. Brokers are not
 * told here.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { DescribeCluster } from '../../protocol/generated/describe-cluster.ts'
import { endpointOf } from '../../raft/voters.ts'
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from '../authorized-operations.ts'
import type { ControllerServices } from '../controller-services.ts'
import { handler } from '../handler.ts'

const BROKERS = 1
const CONTROLLERS = 2
/** Version 0 can only ask for brokers. */
const LOWEST_VERSION = 1

export const controllerDescribeClusterHandler = handler(DescribeCluster, {
  versions: { lowest: LOWEST_VERSION, highest: DescribeCluster.request.highestVersion },
  handle: ({ quorum, clusterId }: ControllerServices, request, { listener }) => {
    if (request.endpointType !== CONTROLLERS) {
      const known = request.endpointType === BROKERS
      return {
        errorCode: known ? ERROR_CODES.MISMATCHED_ENDPOINT_TYPE : ERROR_CODES.UNSUPPORTED_ENDPOINT_TYPE,
        errorMessage: known
          ? 'The request was sent to an endpoint of type CONTROLLER, but we wanted an endpoint of type BROKER'
          : `Unsupported endpoint type ${request.endpointType}`,
        endpointType: CONTROLLERS,
        clusterId: '',
      }
    }
    const brokers = quorum.voters.flatMap(({ id, endpoints }) => {
      const endpoint = endpointOf(endpoints, listener)
      return endpoint === null ? [] : [{ brokerId: id, ...endpoint }]
    })
    return {
      endpointType: CONTROLLERS,
      clusterId,
      controllerId: quorum.leader.leaderId,
      brokers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
    }
  },
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message, clusterId: '' }),
})
