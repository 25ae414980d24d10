/**
 * DescribeQuorum v0-2 (KIP-595): voters and observers of the metadata log and how far they are.
 */
import { DescribeQuorum } from '../../protocol/generated/describe-quorum.ts'
import { handler, type AsksController } from '../handler.ts'

export const describeQuorumHandler = handler(DescribeQuorum, {
  handle: (services: AsksController, request, context) => services.controller.describeQuorum(request, context),
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message }),
})
