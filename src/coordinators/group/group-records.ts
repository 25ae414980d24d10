/**
 * Records of `__consumer_offsets` as the group coordinator sees them. Key = int16 record type and the key's fields, value
 * = int16 version and the value's fields, null = tombstone.
 *
 * Types 0-1 (committed offset) and 2 (classic group) are ours. Types 3-23 belong to consumer (KIP-848), share (KIP-932)
 * and streams groups (KIP-1071), which this release doesn't serve: of these only the group's name, and whether a member
 * is in it, is read, so that such a group is listed and nobody takes its name.
 */
import { ByteReader, MalformedError } from '../../base/byte-reader.ts'
import { ByteWriter } from '../../base/byte-writer.ts'
import { GroupMetadataKey, GroupMetadataValue } from '../../protocol/generated/group-group-metadata.ts'
import { LegacyOffsetCommitValue } from '../../protocol/generated/group-legacy-offset-commit.ts'
import { OffsetCommitKey, OffsetCommitValue } from '../../protocol/generated/group-offset-commit.ts'
import type { EncodedRecord } from '../runtime/coordinator.ts'

export type GroupRecord =
  | {
      readonly kind: 'offset'
      readonly groupId: string
      readonly topic: string
      readonly partition: number
      readonly value: OffsetCommitValue | null
    }
  | { readonly kind: 'classic'; readonly groupId: string; readonly value: GroupMetadataValue | null }
  | ForeignRecord

/** A record of a group type that isn't served: kept as it is. */
export interface ForeignRecord {
  readonly kind: 'foreign'
  readonly type: ForeignType
  readonly groupId: string
  readonly role: 'group' | 'member' | 'other'
  readonly key: Buffer
  readonly isTombstone: boolean
}

/** As tools print them; ListGroups has them in lower case. */
export type ForeignType = 'Consumer' | 'Share' | 'Streams'

const OFFSET_TYPE = 1
const GROUP_TYPE = 2
/** Newer releases read version 4 too, but write 3 (a group record must survive a downgrade). */
const GROUP_VALUE_VERSION = 3

const FOREIGN: Readonly<Record<number, readonly [ForeignType, ForeignRecord['role']]>> = {
  3: ['Consumer', 'group'],
  4: ['Consumer', 'other'],
  5: ['Consumer', 'member'],
  6: ['Consumer', 'other'],
  7: ['Consumer', 'other'],
  8: ['Consumer', 'other'],
  16: ['Consumer', 'other'],
  10: ['Share', 'member'],
  11: ['Share', 'group'],
  12: ['Share', 'other'],
  13: ['Share', 'other'],
  14: ['Share', 'other'],
  15: ['Share', 'other'],
  17: ['Streams', 'group'],
  19: ['Streams', 'member'],
  20: ['Streams', 'other'],
  21: ['Streams', 'other'],
  22: ['Streams', 'other'],
  23: ['Streams', 'other'],
}

/** Null for a type that no release knows. @throws MalformedError */
export function decodeGroupRecord(key: Buffer, value: Buffer | null): GroupRecord | null {
  const reader = new ByteReader(key)
  const type = reader.int16()
  if (type === 0 || type === OFFSET_TYPE) {
    const { group, topic, partition } = OffsetCommitKey.read(reader, 0)
    return { kind: 'offset', groupId: group, topic, partition, value: value === null ? null : readOffset(type, value) }
  }
  if (type === GROUP_TYPE) {
    const groupId = GroupMetadataKey.read(reader, 0).group
    if (value === null) return { kind: 'classic', groupId, value: null }
    const body = new ByteReader(Buffer.from(value))
    return { kind: 'classic', groupId, value: GroupMetadataValue.read(body, valueVersion(body, GroupMetadataValue)) }
  }
  const foreign = FOREIGN[type]
  if (foreign === undefined) return null
  // Every key of these types begins with the group's id, in the old encoding.
  return {
    kind: 'foreign',
    type: foreign[0],
    groupId: reader.string(),
    role: foreign[1],
    key: Buffer.from(key),
    isTombstone: value === null,
  }
}

export function encodeGroupRecord(record: GroupRecord): EncodedRecord {
  if (record.kind === 'foreign') {
    if (!record.isTombstone) throw new MalformedError('records of this group type are not written')
    return { key: record.key, value: null }
  }
  const key = new ByteWriter(64)
  if (record.kind === 'offset') {
    key.int16(OFFSET_TYPE)
    OffsetCommitKey.write(key, { group: record.groupId, topic: record.topic, partition: record.partition }, 0)
  } else {
    key.int16(GROUP_TYPE)
    GroupMetadataKey.write(key, { group: record.groupId }, 0)
  }
  if (record.value === null) return { key: key.toBuffer(), value: null }
  const value = new ByteWriter(128)
  if (record.kind === 'offset') {
    const version = offsetValueVersion(record.value)
    value.int16(version)
    OffsetCommitValue.write(value, record.value, version)
  } else {
    value.int16(GROUP_VALUE_VERSION)
    GroupMetadataValue.write(value, record.value, GROUP_VALUE_VERSION)
  }
  return { key: key.toBuffer(), value: value.toBuffer() }
}

/** Only version 1 can carry an expiry of its own; it carries neither leader epoch nor topic id. */
export function offsetValueVersion(value: OffsetCommitValue): number {
  return value.expireTimestamp === -1 ? 4 : 1
}

function readOffset(type: number, value: Buffer): OffsetCommitValue {
  const body = new ByteReader(value)
  if (type === OFFSET_TYPE) return OffsetCommitValue.read(body, valueVersion(body, OffsetCommitValue))
  // Type 0 was used by 0.8.1 with value versions 0 and 1, whose fields are those of type 1.
  const version = body.int16()
  if (version === 1) return OffsetCommitValue.read(body, 1)
  if (version !== 0) throw new MalformedError(`offset of key type 0 with value version ${version}`)
  return OffsetCommitValue.make(LegacyOffsetCommitValue.read(body, 0))
}

function valueVersion(body: ByteReader, codec: { readonly name: string; readonly highestVersion: number }): number {
  const version = body.int16()
  if (version < 0 || version > codec.highestVersion)
    throw new MalformedError(`${codec.name} of version ${version} is not known`)
  return version
}
