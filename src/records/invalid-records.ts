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

  constructor(code: ErrorCode, detail: string, recordErrors: readonly RecordError[] = []) {
    super(code, detail)
    this.name = 'InvalidRecords'
    this.recordErrors = recordErrors
  }
}
