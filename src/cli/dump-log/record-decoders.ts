/**
 * What kafka-dump-log.sh prints of keys and values: text and numbers of any topic, or the records of Kafka's own topics as
 * JSON. A record that cannot be read says so and the dump goes on.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import { readInt64 } from '../../base/int64.ts'
import type { MessageCodec } from '../../protocol/codec.ts'
import { ConsumerProtocolAssignment } from '../../protocol/generated/consumer-protocol-assignment.ts'
import { ConsumerProtocolSubscription } from '../../protocol/generated/consumer-protocol-subscription.ts'
import { METADATA_RECORD_NAMES, METADATA_RECORDS } from '../../protocol/generated/metadata-records.ts'
import type { Json, JsonObject } from '../../protocol/json.ts'
import {
  readFramedHead,
  readFramedMessage,
  readKey,
  readKeyType,
  readValue,
  readVersioned,
} from '../../protocol/record-framing.ts'
import {
  groupRecordType,
  shareRecordType,
  transactionRecordType,
  type AnyRecordType,
  type RecordTypeFor,
} from '../text/coordinator-record-types.ts'
import { javaText } from '../text/java-text.ts'
import { jsonText, messageFields } from '../text/message-json.ts'
import { remoteLogRecordText } from './remote-log-text.ts'

export interface DecodedRecord {
  /** Null: not printed. */
  readonly key: string | null
  readonly payload: string | null
}

export interface RecordToDecode {
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
}

export type RecordDecoder = (record: RecordToDecode) => DecodedRecord

type BytesDecoder = (bytes: Buffer) => string

/** Null for a class that isn't Kafka's. @param print gets what the names of before 4.0 are told. */
export function bytesDecoder(className: string, print: (line: string) => void): BytesDecoder | null {
  const [, place = '', name = ''] = /^(kafka\.serializer|org\.apache\.kafka\.tools\.api)\.(\w+)$/.exec(className) ?? []
  const decoder = BYTES_DECODERS.get(name) ?? null
  if (decoder !== null && place === 'kafka.serializer') {
    print(`${className} is deprecated. Please use org.apache.kafka.tools.api.${name} instead`)
  }
  return decoder
}

const BYTES_DECODERS: ReadonlyMap<string, BytesDecoder> = new Map<string, BytesDecoder>([
  ['StringDecoder', javaText],
  ['IntegerDecoder', (bytes) => String(sized(bytes, 4).readInt32BE())],
  ['LongDecoder', (bytes) => String(readInt64(sized(bytes, 8), 0))],
  // Java prints an array's class and address, which say nothing.
  ['DefaultDecoder', (bytes) => bytes.toString('hex')],
])

function sized(bytes: Buffer, size: number): Buffer {
  if (bytes.length !== size) throw new MalformedError(`${size} bytes are expected, not ${bytes.length}`)
  return bytes
}

export function plainDecoder(key: BytesDecoder, value: BytesDecoder): RecordDecoder {
  return (record) => ({
    key: record.key === null ? null : key(record.key),
    payload: record.value === null ? null : value(record.value),
  })
}

/** By the option that asks for it. */
export const RECORD_DECODERS = {
  'offsets-decoder': coordinatorDecoder(groupRecordType),
  'transaction-log-decoder': coordinatorDecoder(transactionRecordType),
  'share-group-state-decoder': coordinatorDecoder(shareRecordType),
  'cluster-metadata-decoder': framedDecoder('at', metadataRecordText),
  'remote-log-metadata-decoder': framedDecoder('at offset', remoteLogRecordText),
} satisfies Record<string, RecordDecoder>

function coordinatorDecoder(typeFor: RecordTypeFor): RecordDecoder {
  return ({ offset, key, value }) => {
    if (key === null) {
      throw new MalformedError(
        `Failed to decode message at offset ${offset} using the specified decoder (message had a missing key)`,
      )
    }
    try {
      const type = readKeyType(key)
      const record = typeFor(type)
      if (record === null) return { key: `Unknown record type ${type} at offset ${offset}, skipping.`, payload: null }
      const data = messageFields(record.key, readKey(record.key, key), 0)
      return { key: jsonText({ type: String(type), data }), payload: coordinatorValue(record, type, value) }
    } catch (error) {
      return { key: `Error at offset ${offset}, skipping. ${reason(error)}`, payload: null }
    }
  }
}

function coordinatorValue(record: AnyRecordType, type: number, value: Buffer | null): string {
  if (value === null) return '<DELETE>'
  const version = value.readInt16BE(0)
  const message: unknown = readValue(record.value, value)
  if (message === null || typeof message !== 'object') {
    throw new MalformedError(`Unknown version ${version} of record type ${type}`)
  }
  const data = messageFields(record.value, message, version)
  const shown = record.name === 'GroupMetadata' ? withMemberProtocol(data) : data
  return jsonText({ version: String(version), data: shown })
}

/** A classic group of consumers: what its members subscribe to and were given is shown decoded, where it can be. */
function withMemberProtocol(data: Json): Json {
  if (!isObject(data) || data['protocolType'] !== 'consumer') return data
  const members = data['members']
  if (!isArray(members)) return data
  const decoded = members.map((member) => {
    if (!isObject(member)) return member
    return {
      ...member,
      subscription: embedded(ConsumerProtocolSubscription, member['subscription'] ?? null),
      assignment: embedded(ConsumerProtocolAssignment, member['assignment'] ?? null),
    }
  })
  return { ...data, members: decoded }
}

function embedded<T extends object>(codec: MessageCodec<T>, base64: Json): Json {
  if (typeof base64 !== 'string') return base64
  try {
    const bytes = Buffer.from(base64, 'base64')
    return messageFields(codec, readVersioned(codec, bytes), Math.min(bytes.readInt16BE(0), codec.highestVersion))
  } catch {
    return base64
  }
}

/** @param place how an error says where it is: Kafka's decoders differ. */
function framedDecoder(place: 'at' | 'at offset', text: (value: Buffer) => string): RecordDecoder {
  return ({ offset, value }) => {
    try {
      return { key: null, payload: text(value ?? Buffer.alloc(0)) }
    } catch (error) {
      return { key: null, payload: `Error ${place} ${offset}, skipping. ${reason(error)}` }
    }
  }
}

function metadataRecordText(value: Buffer): string {
  const head = readFramedHead(value)
  const name = METADATA_RECORD_NAMES.get(head.id)
  if (name === undefined) throw new MalformedError(`Unknown metadata id ${head.id}`)
  const codec: MessageCodec<object> = METADATA_RECORDS[name].codec
  const type = name.replace(/[a-z](?=[A-Z])/g, '$&_').toUpperCase()
  return jsonText({
    type,
    version: head.version,
    data: messageFields(codec, readFramedMessage(codec, value, head), head.version),
  })
}

function reason(error: unknown): string {
  if (error instanceof MalformedError || error instanceof RangeError) return error.message
  throw error
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function isArray(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json)
}
