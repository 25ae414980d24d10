/** Why a leader refuses what a producer sent, down to the single records (KIP-467). */
import { KafkaError } from '../base/errors.ts'
import type { ErrorCode } from '../base/error-codes.ts'

export interface RecordError {
  /** Index of the record in its batch. */
  readonly batchIndex: number
  readonly message: string
}

export class InvalidRecords extends KafkaError {
  /** Empty where the fault is not one of single records. */
  readonly recordErrors: readonly RecordError[]
  /** `errorMessage` of the partition in the answer: Kafka sends one only for some faults; `message` is for the log. */
  readonly answerText: string | null

  constructor(
    code: ErrorCode,
    detail: string,
    fields: { readonly recordErrors?: readonly RecordError[]; readonly answerText?: string } = {},
  ) {
    super(code, detail)
    this.name = 'InvalidRecords'
    this.recordErrors = fields.recordErrors ?? []
    this.answerText = fields.answerText ?? null
  }
}
