/**
 * Checks golden vectors: messages as Kafka's own serialisers wrote them (one JSON object a line: name, type, version, json,
 * hex, and for log records `framed`, the bytes with what stands in front in a record).
 *
 * A message must decode, re-encode to the same bytes, print as the same JSON, and come out of that JSON equal (without
 * the unknown tags, which the JSON does not hold).
 */
import { isDeepStrictEqual } from 'node:util'
import { ByteReader } from '../base/byte-reader.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { requestHeaderVersion, responseHeaderVersion } from './codec.ts'
import type { MessageDescription } from './fields.ts'
import { APIS } from './generated/apis.ts'
import { MESSAGES } from './generated/messages.ts'
import { type JsonObject, messageFromJson, messageToJson } from './json.ts'
import { readFramedHead, readFramedMessage, readKey, readKeyType, readValue } from './record-framing.ts'
import { writeFramed, writeKey, writeValue } from './record-framing.ts'

export interface MessageVector {
  readonly name: string
  readonly apiKey: number | null
  readonly type: string
  readonly version: number
  readonly case: string
  readonly headerVersion?: number
  readonly json: JsonObject
  readonly hex: string
  readonly framed?: string
}

/** What is wrong; null if nothing is. */
export function checkMessageVector(vector: MessageVector): string | null {
  const description = MESSAGES.get(vector.name)
  if (description === undefined) return `no message is named ${vector.name}`
  if (description.kind !== vector.type) return `it is a ${description.kind}, not a ${vector.type}`
  if (description.number !== vector.apiKey) return `its number is ${description.number}, not ${vector.apiKey}`
  const bytes = Buffer.from(vector.hex, 'hex')
  const { codec, fields } = description
  const reader = new ByteReader(bytes)
  const message: object = codec.read(reader, vector.version)
  if (reader.remaining > 0) return `${reader.remaining} bytes are left over`
  const again = encode(description, message, vector.version)
  if (!again.equals(bytes)) return `it is encoded again as ${again.toString('hex')}`

  const json = messageToJson(fields, message, vector.version)
  if (!isDeepStrictEqual(json, vector.json)) return `its JSON is ${JSON.stringify(json)}`
  const fromJson = messageFromJson(fields, vector.json, vector.version)
  if (!isDeepStrictEqual(withoutUnknownTags(message), fromJson)) return 'the JSON gives another message'
  const made: object = codec.make(fromJson)
  if (!isDeepStrictEqual(made, fromJson)) return 'make() changes the message'
  return checkHeaderVersion(vector) ?? checkFramed(vector, description, message)
}

export function encode(description: MessageDescription, message: object, version: number): Buffer {
  const writer = new ByteWriter()
  description.codec.write(writer, message, version)
  return writer.toBuffer()
}

function checkHeaderVersion(vector: MessageVector): string | null {
  if (vector.headerVersion === undefined) return null
  const api = vector.apiKey === null ? undefined : APIS.get(vector.apiKey)
  if (api === undefined) return 'no such API'
  const version =
    vector.type === 'request' ? requestHeaderVersion(api, vector.version) : responseHeaderVersion(api, vector.version)
  return version === vector.headerVersion ? null : `its header has version ${version}, not ${vector.headerVersion}`
}

function checkFramed(vector: MessageVector, description: MessageDescription, message: object): string | null {
  const { framed, version } = vector
  const { codec, kind, number } = description
  if (framed === undefined || number === null) return null
  const bytes = Buffer.from(framed, 'hex')
  let decoded: unknown
  let again: Buffer
  if (kind === 'coordinator-key') {
    if (readKeyType(bytes) !== number) return `its framed form is of type ${readKeyType(bytes)}`
    decoded = readKey(codec, bytes)
    again = writeKey(codec, number, message)
  } else if (kind === 'coordinator-value') {
    decoded = readValue(codec, bytes)
    again = writeValue(codec, message, version)
  } else {
    const head = readFramedHead(bytes)
    if (head.id !== number || head.version !== version) return `its framed form says ${head.id}, ${head.version}`
    decoded = readFramedMessage(codec, bytes, head)
    again = writeFramed(codec, number, message, version)
  }
  if (!isDeepStrictEqual(decoded, message)) return 'its framed form gives another message'
  return again.equals(bytes) ? null : `its framed form is encoded again as ${again.toString('hex')}`
}

/** The same value without `unknownTags` at any depth. */
export function withoutUnknownTags(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnknownTags)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  const entries = Object.entries(value).filter(([name]) => name !== 'unknownTags')
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutUnknownTags(inner)]))
}
