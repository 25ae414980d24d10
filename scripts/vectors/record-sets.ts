/**
 * Checks a golden record set: what our reader says of the bytes must be what Kafka's said. The values of KRaft's control
 * records are messages without anything in front; their own first field is their version.
 */
import { isDeepStrictEqual } from 'node:util'
import { ByteReader } from '../../src/base/byte-reader.ts'
import { MESSAGES } from '../../src/protocol/generated/messages.ts'
import { type Json, type JsonObject, messageToJson } from '../../src/protocol/json.ts'
import { describeRecordSet } from '../../src/records/describe.ts'

export interface RecordSetVector {
  readonly desc: string
  readonly sizeInBytes: number
  readonly batches: readonly (JsonObject & { readonly records: readonly JsonObject[] })[]
  readonly hex: string
}

const CONTROL_MESSAGES: Readonly<Record<string, string>> = {
  LEADER_CHANGE: 'LeaderChangeMessage',
  SNAPSHOT_HEADER: 'SnapshotHeaderRecord',
  SNAPSHOT_FOOTER: 'SnapshotFooterRecord',
  KRAFT_VERSION: 'KRaftVersionRecord',
  KRAFT_VOTERS: 'VotersRecord',
}

/** What is wrong; null if nothing is. */
export function checkRecordSetVector(vector: RecordSetVector): string | null {
  const { sizeInBytes, batches } = describeRecordSet(Buffer.from(vector.hex, 'hex'))
  if (sizeInBytes !== vector.sizeInBytes) return `${sizeInBytes} bytes instead of ${vector.sizeInBytes}`
  if (batches.length !== vector.batches.length) return `${batches.length} batches instead of ${vector.batches.length}`
  for (const [index, batch] of batches.entries()) {
    const described = { ...batch, records: batch.records.map(withControlMessage) }
    if (!isDeepStrictEqual(described, vector.batches[index])) {
      return `batch ${index} is read as ${JSON.stringify(described)}`
    }
  }
  return null
}

function withControlMessage(record: JsonObject): JsonObject {
  const control = controlMessage(record['controlType'], record['value'])
  return control === null ? record : { ...record, control }
}

function controlMessage(type: Json | undefined, value: Json | undefined): JsonObject | null {
  const name = typeof type === 'string' ? CONTROL_MESSAGES[type] : undefined
  const description = name === undefined ? undefined : MESSAGES.get(name)
  if (description === undefined || typeof value !== 'string') return null
  const bytes = Buffer.from(value, 'base64')
  const version = new ByteReader(bytes).int16()
  return messageToJson(description.fields, description.codec.read(new ByteReader(bytes), version), version)
}
