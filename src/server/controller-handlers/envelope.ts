/**
 * Envelope v0 (KIP-590): a client's request, passed on by a broker with the client's principal and address. Answered with
 * the answer's bytes, header and all.
 */
import { ByteReader, MalformedError } from '../../base/byte-reader.ts'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { peekRequestStart, readRequestHeader, writeResponse } from '../../protocol/frames.ts'
import { Envelope } from '../../protocol/generated/envelope.ts'
import type { ControllerServices } from '../controller-services.ts'
import { CLOSE, NO_ANSWER, handler, type Handler, type RequestContext } from '../handler.ts'
import { FORWARDED } from './forwarded.ts'

/** int32 size in front of a response. */
const SIZE_BYTES = 4

export const envelopeHandler = handler(Envelope, {
  handle: async (services: ControllerServices, request, context) => {
    const reader = new ByteReader(Buffer.from(request.requestData))
    const { apiKey, apiVersion, correlationId } = peekRequestStart(reader)
    const inner = FORWARDED.find(({ api }) => api.key === apiKey)
    const isServed = inner !== undefined && apiVersion >= inner.lowestVersion && apiVersion <= inner.highestVersion
    // A broker that has not heard of our versions yet tells its client that it failed, instead of asking again and again.
    if (!isServed) return { errorCode: ERROR_CODES.UNSUPPORTED_VERSION }
    // A broker that has not heard of the next one yet would bring us the same question again and again.
    if (!services.quorum.isLeader) return { errorCode: ERROR_CODES.NOT_CONTROLLER }
    readRequestHeader(reader, inner.api, apiVersion)
    const wrapped: unknown = inner.api.request.read(reader, apiVersion)
    const clientHost = hostOf(request.clientHostAddress)
    const answer = await answerOf(services, inner, wrapped, { ...context, apiVersion, correlationId, clientHost })
    if (answer === null) return { errorCode: ERROR_CODES.NOT_CONTROLLER }
    const frame = Buffer.concat(writeResponse<object>(inner.api, apiVersion, correlationId, answer))
    return { responseData: frame.subarray(SIZE_BYTES) }
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})

/** Null: this is not the active controller. */
async function answerOf(
  services: ControllerServices,
  { spec }: Handler<ControllerServices>,
  request: unknown,
  context: RequestContext,
): Promise<object | null> {
  try {
    const handled = await spec.handle(services, request, context)
    if (handled === NO_ANSWER || handled === CLOSE)
      throw new MalformedError('an envelope around a request without answer')
    return handled
  } catch (error) {
    if (!(error instanceof KafkaError) || spec.failed === undefined) throw error
    if (error.code === 'NOT_CONTROLLER') return null
    return spec.failed(request, error, context.apiVersion)
  }
}

function hostOf(address: Buffer): string {
  if (address.length === 4) return `/${[...address].join('.')}`
  const groups = Array.from({ length: address.length >> 1 }, (_, index) => address.readUInt16BE(index * 2).toString(16))
  return `/${groups.join(':')}`
}
