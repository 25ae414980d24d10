/**
 * Records of `__transaction_state`: key type 0 with the transactional id; value 0, or 1 (flexible) from transaction.version 1
 * on. A tombstone forgets the id.
 */
import { ByteReader, MalformedError } from '../../base/byte-reader.ts'
import { ByteWriter } from '../../base/byte-writer.ts'
import { clampInt64 } from '../../base/int64.ts'
import { TransactionLogKey, TransactionLogValue } from '../../protocol/generated/transaction-transaction-log.ts'
import type { EncodedRecord } from '../runtime/coordinator.ts'
import { NO_PARTITIONS, NONE, TRANSACTION_STATES, type Transaction } from './transaction.ts'

export interface TransactionRecord {
  readonly transactionalId: string
  readonly value: Transaction | null
  /** transaction.version of the cluster when it was decided; what is read doesn't tell. */
  readonly serverVersion: number
}

const KEY_TYPE = 0

export function encodeTransactionRecord({ transactionalId, value, serverVersion }: TransactionRecord): EncodedRecord {
  const key = new ByteWriter(64)
  key.int16(KEY_TYPE)
  TransactionLogKey.write(key, { transactionalId }, 0)
  if (value === null) return { key: key.toBuffer(), value: null }
  const version = serverVersion >= 1 ? 1 : 0
  const body = new ByteWriter(128)
  body.int16(version)
  const partitions = [...value.partitions].map(([topic, indexes]) => ({ topic, partitionIds: [...indexes] }))
  TransactionLogValue.write(
    body,
    {
      producerId: value.producerId,
      producerEpoch: value.producerEpoch,
      transactionTimeoutMs: value.timeoutMs,
      transactionStatus: TRANSACTION_STATES.indexOf(value.state),
      transactionPartitions: value.state === 'Empty' ? null : partitions,
      transactionLastUpdateTimestampMs: value.updateMs,
      transactionStartTimestampMs: value.startMs,
      ...(version === 0
        ? {}
        : {
            previousProducerId: value.prevProducerId,
            nextProducerId: value.nextProducerId,
            clientTransactionVersion: value.clientVersion,
          }),
    },
    version,
  )
  return { key: key.toBuffer(), value: body.toBuffer() }
}

/** Null for a key of a kind that no release knows. @throws MalformedError */
export function decodeTransactionRecord(key: Buffer, value: Buffer | null): TransactionRecord | null {
  const reader = new ByteReader(key)
  if (reader.int16() !== KEY_TYPE) return null
  const { transactionalId } = TransactionLogKey.read(reader, 0)
  if (value === null) return { transactionalId, value: null, serverVersion: 0 }
  const body = new ByteReader(Buffer.from(value))
  const version = body.int16()
  if (version < 0 || version > TransactionLogValue.highestVersion)
    throw new MalformedError(`TransactionLogValue of version ${version} is not known`)
  return { transactionalId, value: transactionOf(TransactionLogValue.read(body, version)), serverVersion: 0 }
}

function transactionOf(value: TransactionLogValue): Transaction {
  const state = TRANSACTION_STATES[value.transactionStatus]
  if (state === undefined) throw new MalformedError(`transaction status ${value.transactionStatus}`)
  const partitions = value.transactionPartitions?.map(
    ({ topic, partitionIds }) => [topic, new Set(partitionIds)] as const,
  )
  return {
    producerId: value.producerId,
    prevProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: NONE,
    timeoutMs: value.transactionTimeoutMs,
    state,
    partitions: partitions === undefined ? NO_PARTITIONS : new Map(partitions),
    startMs: clampInt64(value.transactionStartTimestampMs),
    updateMs: clampInt64(value.transactionLastUpdateTimestampMs),
    clientVersion: value.clientTransactionVersion,
  }
}
