/**
 * The checks of single records: a key where the topic is compacted, a time within the topic's bounds. One bad record
 * refuses the whole batch; the answer lists them all (KIP-467). A wrong time decides the code even among other faults.
 */
import type { ErrorCode } from '../base/error-codes.ts'
import type { Int64 } from '../base/int64.ts'
import { NO_TIMESTAMP } from './batch.ts'
import { subtractInt64 } from './batch-builder.ts'
import { InvalidRecords, type RecordError } from './invalid-records.ts'
import { inPartition, type ProduceOptions } from './produce-options.ts'

export class RecordErrors {
  readonly #options: ProduceOptions
  readonly #errors: RecordError[] = []
  #code: ErrorCode = 'INVALID_RECORD'

  constructor(options: ProduceOptions) {
    this.#options = options
  }

  /** @param appendTime whether the producer marked the batch with log-append time, which only a broker may */
  check(
    record: {
      readonly keyBytes: number
      readonly valueBytes: number
      readonly timestamp: Int64
      readonly offset: number
    },
    index: number,
    appendTime: boolean,
  ): void {
    const { compactedTopic, timestampType, nowMs, beforeMaxMs, afterMaxMs } = this.#options
    const where = inPartition(this.#options)
    if (compactedTopic && record.keyBytes < 0) {
      this.#errors.push({ batchIndex: index, message: `Compacted topic cannot accept message without key${where}` })
    } else if (timestampType === 'CreateTime' && record.timestamp !== NO_TIMESTAMP) {
      const age = subtractInt64(nowMs, record.timestamp)
      const ahead = subtractInt64(record.timestamp, nowMs)
      if (age <= beforeMaxMs && ahead <= afterMaxMs) return
      const oldest = subtractInt64(nowMs, beforeMaxMs)
      const newest = subtractInt64(nowMs, subtractInt64(0, afterMaxMs))
      this.#code = 'INVALID_TIMESTAMP'
      this.#errors.push({
        batchIndex: index,
        message:
          `Timestamp ${record.timestamp} of message with offset ${record.offset} is out of range. ` +
          `The timestamp should be within [${oldest}, ${newest}]`,
      })
    } else if (appendTime) {
      this.#code = 'INVALID_TIMESTAMP'
      const { offset, timestamp, keyBytes, valueBytes } = record
      const text =
        `DefaultRecord(offset=${offset}, timestamp=${timestamp}, ` +
        `key=${Math.max(keyBytes, 0)} bytes, value=${Math.max(valueBytes, 0)} bytes)`
      const message = `Invalid timestamp type in message ${text}. Producer should not set timestamp type to LogAppendTime.`
      this.#errors.push({ batchIndex: index, message })
    }
  }

  /** @throws InvalidRecords */
  throwIfAny(): void {
    if (this.#errors.length === 0) return
    const detail =
      this.#code === 'INVALID_TIMESTAMP'
        ? 'One or more records have been rejected due to invalid timestamp'
        : `One or more records have been rejected due to ${this.#errors.length} record errors in total, ` +
          `and only showing the first three errors at most: [${this.#errors.slice(0, 3).map(errorText).join(', ')}]`
    throw new InvalidRecords(this.#code, detail, { recordErrors: this.#errors, answerText: detail })
  }
}

function errorText(error: RecordError): string {
  return `RecordError(batchIndex=${error.batchIndex}, message='${error.message}')`
}
