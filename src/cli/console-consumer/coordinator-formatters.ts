/**
 * Records of Kafka's own topics as JSON, as the console consumer's formatters print them: nothing between two records, and
 * nothing for those that a formatter is not for. (kafka-dump-log.sh has another form: dump-log/record-decoders.ts.)
 */
import { MalformedError } from '../../base/byte-reader.ts'
import { readKey, readKeyType, readValue } from '../../protocol/record-framing.ts'
import {
  groupRecordType,
  shareRecordType,
  transactionRecordType,
  type AnyRecordType,
  type RecordTypeFor,
} from '../text/coordinator-record-types.ts'
import { jsonText, messageFields } from '../text/message-json.ts'
import type { RecordFormatter } from './record-formatters.ts'

const OFFSET_COMMIT_TYPES = new Set([0, 1])
const GROUP_METADATA_TYPE = 2

/** By what is shown: the types that are. */
const SHOWN = {
  offsets: (type) => (OFFSET_COMMIT_TYPES.has(type) ? groupRecordType(type) : null),
  groups: (type) => (type === GROUP_METADATA_TYPE ? groupRecordType(type) : null),
  transactions: transactionRecordType,
  shares: shareRecordType,
} satisfies Record<string, RecordTypeFor>

export type CoordinatorRecords = keyof typeof SHOWN

export function coordinatorRecordFormatter(kind: CoordinatorRecords): RecordFormatter {
  const typeFor: RecordTypeFor = SHOWN[kind]
  return ({ keyBytes, valueBytes, offset, topic, partition }, pieces) => {
    if (keyBytes === null) return
    try {
      const type = readKeyType(keyBytes)
      const record = typeFor(type)
      if (record === null) return
      const data = messageFields(record.key, readKey(record.key, keyBytes), 0)
      pieces.push(jsonText({ key: { type, data }, value: valueBytes === null ? null : valueOf(record, valueBytes) }))
    } catch (error) {
      if (!(error instanceof MalformedError || error instanceof RangeError)) throw error
      throw new MalformedError(`Could not read record at offset ${offset} of ${topic}-${partition}: ${error.message}`)
    }
  }
}

function valueOf(record: AnyRecordType, bytes: Buffer): { version: number; data: ReturnType<typeof messageFields> } {
  const version = bytes.readInt16BE(0)
  const message: unknown = readValue(record.value, bytes)
  if (message === null || typeof message !== 'object') {
    throw new MalformedError(`version ${version} of ${record.name} is not known`)
  }
  return { version, data: messageFields(record.value, message, version) }
}
