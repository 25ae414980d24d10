/** Group requests on their way to the coordinator. */
import type { GroupRequestContext } from '../coordinators/group/group-coordinator.ts'
import type { RequestContext } from './handler.ts'

export function groupContext(context: RequestContext): GroupRequestContext {
  return { apiVersion: context.apiVersion, clientId: context.clientId, clientAddress: context.clientHost.slice(1) }
}
