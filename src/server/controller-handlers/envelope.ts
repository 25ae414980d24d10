/**
 * Envelope v0 (KIP-590): a client's request, passed on by a broker with the client's principal and address. Answered with
 * the answer's bytes, header and all.
 *
 * Errors of the envelope have codes of their own; what is wrong with the request inside is UNSUPPORTED_VERSION, as with Kafka.
 */
import { ByteReader, MalformedError } from '../../base/byte-reader.ts'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { peekRequestStart, readRequestHeader, writeResponse } from '../../protocol/frames.ts'
import { DefaultPrincipalData } from '../../protocol/generated/default-principal-data.ts'
import { Envelope } from '../../protocol/generated/envelope.ts'
import type { ControllerServices } from '../controller-services.ts'
import { CLOSE, NO_ANSWER, handler, type Handler, type RequestContext } from '../handler.ts'
import { FORWARDED } from './forwarded.ts'

/** int32 size in front of a response. */
const SIZE_BYTES = 4
const PRINCIPAL_VERSION = 0
/** IPv4 and IPv6. */
const ADDRESS_BYTES: ReadonlySet<number> = new Set([4, 16])

export const envelopeHandler = handler(Envelope, {
  handle: async (services: ControllerServices, request, context) => {
    if (!isPrincipal(request.requestPrincipal)) return { errorCode: ERROR_CODES.PRINCIPAL_DESERIALIZATION_FAILURE }
    if (!ADDRESS_BYTES.has(request.clientHostAddress.length)) return { errorCode: ERROR_CODES.INVALID_REQUEST }
    const reader = new ByteReader(Buffer.from(request.requestData))
    const start = readable(() => peekRequestStart(reader))
    if (start === null) return { errorCode: ERROR_CODES.UNSUPPORTED_VERSION }
    const { apiKey, apiVersion, correlationId } = start
    const inner = FORWARDED.find(({ api }) => api.key === apiKey)
    const isServed = inner !== undefined && apiVersion >= inner.lowestVersion && apiVersion <= inner.highestVersion
    // A broker that has not heard of our versions yet tells its client that it failed, instead of asking again and again.
    if (!isServed) return { errorCode: ERROR_CODES.UNSUPPORTED_VERSION }
    // A broker that has not heard of the next one yet would bring us the same question again and again.
    if (!services.quorum.isLeader) return { errorCode: ERROR_CODES.NOT_CONTROLLER }
    const wrapped = readable(() => {
      const { clientId } = readRequestHeader(reader, inner.api, apiVersion)
      return { clientId, request: inner.api.request.read(reader, apiVersion) as unknown }
    })
    if (wrapped === null) return { errorCode: ERROR_CODES.UNSUPPORTED_VERSION }
    const clientHost = hostOf(request.clientHostAddress)
    const asked = { ...context, apiVersion, correlationId, clientHost, clientId: wrapped.clientId }
    const answer = await answerOf(services, inner, wrapped.request, asked)
    if (answer === null) return { errorCode: ERROR_CODES.NOT_CONTROLLER }
    const frame = Buffer.concat(writeResponse<object>(inner.api, apiVersion, correlationId, answer))
    return { responseData: frame.subarray(SIZE_BYTES) }
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})

/** What KafkaPrincipalSerde writes: a version, and the principal's data in it. */
function isPrincipal(bytes: Buffer | null): boolean {
  if (bytes === null) return false
  const reader = new ByteReader(bytes)
  const principal = readable(() =>
    reader.int16() === PRINCIPAL_VERSION ? DefaultPrincipalData.read(reader, PRINCIPAL_VERSION) : null,
  )
  return principal !== null
}

/** Null: not to be read. */
function readable<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedError) return null
    throw error
  }
}

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
