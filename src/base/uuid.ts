/**
 * 128-bit ids in the text form that Kafka prints: base64url of the 16 bytes without padding, 22 characters.
 * Text, because ids are map keys and log words far more often than they are bytes.
 */
export type Uuid = string & { readonly __brand: 'Uuid' }

export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA' as Uuid
/** Topic id of `__cluster_metadata` (the number 1). */
export const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ' as Uuid
/** Values of `PartitionRecord.directories` that name no real directory. */
export const DIRECTORY_MIGRATING = ZERO_UUID
export const DIRECTORY_UNASSIGNED = 'AAAAAAAAAAAAAAAAAAAAAQ' as Uuid
export const DIRECTORY_LOST = 'AAAAAAAAAAAAAAAAAAAAAg' as Uuid

export function uuidFromBytes(bytes: Buffer, at = 0): Uuid {
  return bytes.toString('base64url', at, at + 16) as Uuid
}

export function uuidToBytes(uuid: Uuid): Buffer {
  return Buffer.from(uuid, 'base64url')
}

/** Null if the text is not the 22-character form of 16 bytes. */
export function parseUuid(text: string): Uuid | null {
  if (!/^[A-Za-z0-9_-]{21}[AQgw]$/.test(text)) return null
  return text as Uuid
}

/** A version 4 uuid from 16 random bytes, or null where the text would begin with '-' (Kafka avoids those; draw again). */
export function uuidFromRandom(random: Buffer): Uuid | null {
  const bytes = Buffer.from(random)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const text = uuidFromBytes(bytes)
  return text.startsWith('-') ? null : text
}
