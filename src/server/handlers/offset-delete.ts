/**
 * OffsetDelete v0 (KIP-496): removes committed offsets of topics that nobody of the group subscribes to.
 */
import { OffsetDelete } from '../../protocol/generated/offset-delete.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const offsetDeleteHandler = handler(OffsetDelete, {
  handle: (services, request, context) => services.groups.offsetDelete(groupContext(context), request),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
