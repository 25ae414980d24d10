/** The records of Kafka's own topics by the number that their key begins with; null for a number that no release knows. */
import {
  GROUP_RECORD_NAMES,
  GROUP_RECORDS,
  SHARE_RECORD_NAMES,
  SHARE_RECORDS,
  TRANSACTION_RECORD_NAMES,
  TRANSACTION_RECORDS,
  type CoordinatorRecordType,
} from '../../protocol/generated/coordinator-records.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- record types of all kinds
export type AnyRecordType = CoordinatorRecordType<any, any>
export type RecordTypeFor = (type: number) => AnyRecordType | null

function typeFor<Name extends string>(
  records: Readonly<Record<Name, AnyRecordType>>,
  names: ReadonlyMap<number, Name>,
): RecordTypeFor {
  return (type) => {
    const name = names.get(type)
    return name === undefined ? null : records[name]
  }
}

export const groupRecordType = typeFor(GROUP_RECORDS, GROUP_RECORD_NAMES)
export const transactionRecordType = typeFor(TRANSACTION_RECORDS, TRANSACTION_RECORD_NAMES)
export const shareRecordType = typeFor(SHARE_RECORDS, SHARE_RECORD_NAMES)
