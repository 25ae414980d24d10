/**
 * Requests and responses as they stand on a connection: int32 size, header, body.
 *
 * The version of the header follows from the API and the body's version (codec.ts). Answers to ApiVersions keep header
 * version 0, so that a client can read them before it knows us; a request of an ApiVersions version above ours has a header
 * that we can read and a body that we must not, and is answered at version 0 with UNSUPPORTED_VERSION.
 * Readers here get a frame without its size, as the connection has cut it. Bytes behind a body are ignored, as in Kafka.
 */
import { type ByteReader, MalformedError } from '../base/byte-reader.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { type AnyApi, type Api, type Init, requestHeaderVersion, responseHeaderVersion } from './codec.ts'
import { RequestHeader } from './generated/request-header.ts'
import { ResponseHeader } from './generated/response-header.ts'

/** What every version of the request header begins with. */
export interface RequestStart {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
}

const REQUEST_START_BYTES = 8
const SIZE_BYTES = 4

/** Looks at the first three fields without moving the reader. @throws MalformedError */
export function peekRequestStart(reader: ByteReader): RequestStart {
  if (reader.remaining < REQUEST_START_BYTES) throw new MalformedError(`request of ${reader.remaining} bytes`)
  const { buffer, position } = reader
  return {
    apiKey: buffer.readInt16BE(position),
    apiVersion: buffer.readInt16BE(position + 2),
    correlationId: buffer.readInt32BE(position + 4),
  }
}

/** The header of a request to `api`; the version may be one that the API does not have. */
export function readRequestHeader(reader: ByteReader, api: AnyApi, apiVersion: number): RequestHeader {
  return RequestHeader.read(reader, requestHeaderVersion(api, apiVersion))
}

/** Header and body with the size in front; large records are pieces of their own, by reference. */
export function writeRequest<Request>(
  api: Api<Request, unknown>,
  apiVersion: number,
  correlationId: number,
  clientId: string | null,
  request: Init<Request>,
): Buffer[] {
  const writer = sizedWriter()
  const version = requestHeaderVersion(api, apiVersion)
  const header = {
    requestApiKey: api.key,
    requestApiVersion: apiVersion,
    correlationId,
    clientId: version === 0 ? '' : clientId,
  }
  RequestHeader.write(writer, header, version)
  api.request.write(writer, request, apiVersion)
  return finishSized(writer)
}

export function writeResponse<Response>(
  api: Api<unknown, Response>,
  apiVersion: number,
  correlationId: number,
  response: Init<Response>,
): Buffer[] {
  const writer = sizedWriter()
  ResponseHeader.write(writer, { correlationId }, responseHeaderVersion(api, apiVersion))
  api.response.write(writer, response, apiVersion)
  return finishSized(writer)
}

/** The first field of every response header, by which the client finds the request and so API and version. */
export function peekCorrelationId(reader: ByteReader): number {
  if (reader.remaining < 4) throw new MalformedError(`response of ${reader.remaining} bytes`)
  return reader.buffer.readInt32BE(reader.position)
}

/** Skips the header and reads the body. @throws MalformedError */
export function readResponse<Response>(api: Api<unknown, Response>, apiVersion: number, reader: ByteReader): Response {
  ResponseHeader.read(reader, responseHeaderVersion(api, apiVersion))
  return api.response.read(reader, apiVersion)
}

function sizedWriter(): ByteWriter {
  const writer = new ByteWriter()
  writer.int32(0)
  return writer
}

/** The size is known only now; its four bytes are the first of the first piece, because small values are never by reference. */
function finishSized(writer: ByteWriter): Buffer[] {
  const size = writer.length - SIZE_BYTES
  const pieces = writer.finish()
  pieces[0]!.writeInt32BE(size)
  return pieces
}
