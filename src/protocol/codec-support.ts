/**
 * What generated codecs call: tagged sections, checks of versions, and the errors with which both directions refuse.
 *
 * Reading throws MalformedError only, writing EncodeError only. Kafka keeps tags it does not know and writes them back;
 * so do we, per struct. A reader takes tags in any order, as Kafka's does; what is written is ascending.
 */
import { type ByteReader, MalformedError } from '../base/byte-reader.ts'
import { type ByteWriter, EncodeError, type Records, recordsLength } from '../base/byte-writer.ts'
import type { Init, UnknownTag } from './codec.ts'

export const EMPTY_BYTES: Buffer = Buffer.alloc(0)

export function checkReadable(name: string, version: number, lowest: number, highest: number): void {
  if (version < lowest || version > highest) throw new MalformedError(`${name} has no version ${version}`)
}

export function checkWritable(name: string, version: number, lowest: number, highest: number): void {
  if (version < lowest || version > highest) throw new EncodeError(`${name} has no version ${version}`)
}

export function nullNotAllowed(field: string): MalformedError {
  return new MalformedError(`${field} must not be null`)
}

export function nullNotWritable(field: string, version: number): EncodeError {
  return new EncodeError(`${field} must not be null in version ${version}`)
}

export function notInVersion(field: string, version: number): EncodeError {
  return new EncodeError(`version ${version} has no ${field}, and its value must not be dropped`)
}

export function tagNotInVersion(tag: number, version: number): MalformedError {
  return new MalformedError(`tag ${tag} is not valid in version ${version}`)
}

/** A tagged section in a struct without known tags; undefined when it is empty, which it nearly always is. */
export function readUnknownTags(reader: ByteReader): UnknownTag[] | undefined {
  let tags: UnknownTag[] | undefined
  for (let left = reader.uvarint(); left > 0; left--) {
    const tag = reader.uvarint()
    tags = addUnknownTag(tags, tag, reader.view(reader.uvarint()))
  }
  return tags
}

export function addUnknownTag(tags: UnknownTag[] | undefined, tag: number, data: Buffer): UnknownTag[] {
  if (tags === undefined) return [{ tag, data }]
  tags.push({ tag, data })
  return tags
}

/** Ascending, as they must be written; of several with the same number the last one counts. */
export function ascendingTags(tags: readonly UnknownTag[]): readonly UnknownTag[] {
  if (tags.every((tag, index) => index === 0 || tag.tag > tags[index - 1]!.tag)) return tags
  const byTag = new Map(tags.map((tag) => [tag.tag, tag]))
  return [...byTag.values()].sort((one, other) => one.tag - other.tag)
}

export function makeUnknownTags(tags: readonly Init<UnknownTag>[]): UnknownTag[] {
  return tags.map(({ tag = 0, data = EMPTY_BYTES }) => ({ tag, data: joinedBytes(data) }))
}

export function joinedBytes(bytes: Records): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes)
}

export function checkNoTags(tags: readonly Init<UnknownTag>[], version: number): void {
  if (tags.length > 0) throw new EncodeError(`version ${version} cannot carry tagged fields`)
}

/** One known tag whose value stands in a writer of its own, because its size goes in front. */
export function writeTag(writer: ByteWriter, tag: number, value: ByteWriter): void {
  writer.uvarint(tag)
  writer.uvarint(value.length)
  writer.records(value.finish())
}

/** The whole tagged section of a struct without known tags. */
export function writeUnknownTags(writer: ByteWriter, tags: readonly Init<UnknownTag>[] | undefined): void {
  if (tags === undefined) writer.uvarint(0)
  else {
    writer.uvarint(tags.length)
    writeUnknownTagsFrom(writer, tags, 0, 0)
  }
}

/** Writes tags[from…] while they are below `limit`; none may be below `lowest`. Returns how many are written by then. */
export function writeUnknownTagsBelow(
  writer: ByteWriter,
  tags: readonly Init<UnknownTag>[] | undefined,
  from: number,
  lowest: number,
  limit: number,
): number {
  if (tags === undefined) return from
  let next = lowest
  let at = from
  for (; at < tags.length; at++) {
    const { tag = 0, data = EMPTY_BYTES } = tags[at]!
    if (tag >= limit) break
    if (tag < next) throw new EncodeError(`unknown tag ${tag} is known, or not above the one before`)
    next = tag + 1
    writer.uvarint(tag)
    writer.uvarint(recordsLength(data))
    writer.records(data)
  }
  return at
}

export function writeUnknownTagsFrom(
  writer: ByteWriter,
  tags: readonly Init<UnknownTag>[],
  from: number,
  lowest: number,
): void {
  writeUnknownTagsBelow(writer, tags, from, lowest, Number.POSITIVE_INFINITY)
}
