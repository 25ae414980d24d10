/**
 * The records of `__cluster_metadata`: one union of all types, and their framing
 * (uvarint frame version 1 | uvarint type | uvarint version | flexible body).
 *
 * A record carries the version it was, or is to be, written at: the finalised metadata.version decides which versions
 * may be written (features.ts), readers take every version. A type or version that no release up to 4.3 has is refused:
 * skipping a record that changes state would let nodes of one cluster disagree.
 */
import { ByteReader, MalformedError } from '../base/byte-reader.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import type { Init, MessageCodec } from '../protocol/codec.ts'
import { AbortTransactionRecord } from '../protocol/generated/abort-transaction-record.ts'
import { AccessControlEntryRecord } from '../protocol/generated/access-control-entry-record.ts'
import { BeginTransactionRecord } from '../protocol/generated/begin-transaction-record.ts'
import { BrokerRegistrationChangeRecord } from '../protocol/generated/broker-registration-change-record.ts'
import { ClearElrRecord } from '../protocol/generated/clear-elr-record.ts'
import { ClientQuotaRecord } from '../protocol/generated/client-quota-record.ts'
import { ConfigRecord } from '../protocol/generated/config-record.ts'
import { DelegationTokenRecord } from '../protocol/generated/delegation-token-record.ts'
import { EndTransactionRecord } from '../protocol/generated/end-transaction-record.ts'
import { FeatureLevelRecord } from '../protocol/generated/feature-level-record.ts'
import { FenceBrokerRecord } from '../protocol/generated/fence-broker-record.ts'
import { NoOpRecord } from '../protocol/generated/no-op-record.ts'
import { PartitionChangeRecord } from '../protocol/generated/partition-change-record.ts'
import { PartitionRecord } from '../protocol/generated/partition-record.ts'
import { ProducerIdsRecord } from '../protocol/generated/producer-ids-record.ts'
import { RegisterBrokerRecord } from '../protocol/generated/register-broker-record.ts'
import { RegisterControllerRecord } from '../protocol/generated/register-controller-record.ts'
import { RemoveAccessControlEntryRecord } from '../protocol/generated/remove-access-control-entry-record.ts'
import { RemoveDelegationTokenRecord } from '../protocol/generated/remove-delegation-token-record.ts'
import { RemoveTopicRecord } from '../protocol/generated/remove-topic-record.ts'
import { RemoveUserScramCredentialRecord } from '../protocol/generated/remove-user-scram-credential-record.ts'
import { TopicRecord } from '../protocol/generated/topic-record.ts'
import { UnfenceBrokerRecord } from '../protocol/generated/unfence-broker-record.ts'
import { UnregisterBrokerRecord } from '../protocol/generated/unregister-broker-record.ts'
import { UserScramCredentialRecord } from '../protocol/generated/user-scram-credential-record.ts'
import { ZkMigrationStateRecord } from '../protocol/generated/zk-migration-state-record.ts'

const FRAME_VERSION = 1

/** Every type with its number in the frame. */
const CODECS = {
  RegisterBrokerRecord: [0, RegisterBrokerRecord],
  UnregisterBrokerRecord: [1, UnregisterBrokerRecord],
  TopicRecord: [2, TopicRecord],
  PartitionRecord: [3, PartitionRecord],
  ConfigRecord: [4, ConfigRecord],
  PartitionChangeRecord: [5, PartitionChangeRecord],
  FenceBrokerRecord: [7, FenceBrokerRecord],
  UnfenceBrokerRecord: [8, UnfenceBrokerRecord],
  RemoveTopicRecord: [9, RemoveTopicRecord],
  DelegationTokenRecord: [10, DelegationTokenRecord],
  UserScramCredentialRecord: [11, UserScramCredentialRecord],
  FeatureLevelRecord: [12, FeatureLevelRecord],
  ClientQuotaRecord: [14, ClientQuotaRecord],
  ProducerIdsRecord: [15, ProducerIdsRecord],
  BrokerRegistrationChangeRecord: [17, BrokerRegistrationChangeRecord],
  AccessControlEntryRecord: [18, AccessControlEntryRecord],
  RemoveAccessControlEntryRecord: [19, RemoveAccessControlEntryRecord],
  NoOpRecord: [20, NoOpRecord],
  ZkMigrationStateRecord: [21, ZkMigrationStateRecord],
  RemoveUserScramCredentialRecord: [22, RemoveUserScramCredentialRecord],
  BeginTransactionRecord: [23, BeginTransactionRecord],
  EndTransactionRecord: [24, EndTransactionRecord],
  AbortTransactionRecord: [25, AbortTransactionRecord],
  RemoveDelegationTokenRecord: [26, RemoveDelegationTokenRecord],
  RegisterControllerRecord: [27, RegisterControllerRecord],
  ClearElrRecord: [28, ClearElrRecord],
} as const

export type RecordType = keyof typeof CODECS

type DataOf<Type extends RecordType> = (typeof CODECS)[Type] extends readonly [number, MessageCodec<infer Data>]
  ? Data
  : never

export type MetadataRecord = {
  readonly [Type in RecordType]: { readonly type: Type; readonly version: number; readonly data: DataOf<Type> }
}[RecordType]

/** The same table with the tie between type and data forgotten: TypeScript can't follow it through a lookup. */
const TABLE: { readonly [type: string]: readonly [number, MessageCodec<unknown>] } = CODECS
const BY_KEY = new Map(Object.entries(TABLE).map(([type, [key, codec]]) => [key, { type, codec }]))

/** A record to be written; fields that are left out have their defaults. */
export function metadataRecord<Type extends RecordType>(
  type: Type,
  version: number,
  fields: Init<DataOf<Type>>,
): MetadataRecord {
  return { type, version, data: codecOf(type)[1].make(fields) } as MetadataRecord
}

/** The value of a log record. */
export function encodeMetadataRecord(record: MetadataRecord): Buffer {
  const [key, codec] = codecOf(record.type)
  const writer = new ByteWriter(64)
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(key)
  writer.uvarint(record.version)
  codec.write(writer, record.data, record.version)
  return writer.toBuffer()
}

/** @throws MalformedError for anything that is not exactly one known record. */
export function decodeMetadataRecord(value: Buffer): MetadataRecord {
  const reader = new ByteReader(value)
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION) throw new MalformedError(`metadata record of frame version ${frameVersion}`)
  const key = reader.uvarint()
  const version = reader.uvarint()
  const entry = BY_KEY.get(key)
  if (entry === undefined) throw new MalformedError(`metadata record of unknown type ${key}`)
  if (version < entry.codec.lowestVersion || version > entry.codec.highestVersion) {
    throw new MalformedError(`${entry.type} of unknown version ${version}`)
  }
  const data = entry.codec.read(reader, version)
  if (reader.remaining > 0) throw new MalformedError(`${reader.remaining} bytes behind a ${entry.type}`)
  return { type: entry.type, version, data } as MetadataRecord
}

function codecOf(type: RecordType): readonly [number, MessageCodec<unknown>] {
  const entry = TABLE[type]
  if (entry === undefined) throw new MalformedError(`metadata record of unknown type ${type}`)
  return entry
}
