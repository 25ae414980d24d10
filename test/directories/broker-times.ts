/**
 * Markers carry the time at which the broker wrote them: the one thing in these files that depends on its clock. Streams are
 * dated far ahead, so such times are known by being small, and are taken out of files before they are compared, together
 * with the checksums that go over them.
 */
import { baseTimestamp, entryBytes, isControl, maxTimestamp, setCrc, setMaxTimestamp } from '../../src/records/batch.ts'

/** Streams begin at 4,000,000,000,000. */
export const BROKER_TIME_BELOW_MS = 3_000_000_000_000

const BASE_TIMESTAMP_AT = 27
const SNAPSHOT_HEADER_BYTES = 10
const SNAPSHOT_ENTRY_BYTES = 46
const SNAPSHOT_TIMESTAMP_AT = 26
const TIME_ENTRY_BYTES = 12
const TIME_ENTRY_OFFSET_AT = 8

export function withoutBrokerTimes(files: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  const cleaned = new Map<string, Buffer>()
  for (const [name, bytes] of files) {
    const copy = Buffer.from(bytes)
    if (name.endsWith('.log')) cleanLog(copy)
    else if (name.endsWith('.snapshot')) cleanSnapshot(copy)
    else if (name.endsWith('.timeindex')) cleanTimeIndex(copy)
    cleaned.set(name, copy)
  }
  return cleaned
}

function cleanLog(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += entryBytes(bytes, at)) {
    if (!isControl(bytes, at) || baseTimestamp(bytes, at) >= BROKER_TIME_BELOW_MS) continue
    if (maxTimestamp(bytes, at) !== baseTimestamp(bytes, at)) throw new Error('a marker of two times')
    bytes.writeBigInt64BE(0n, at + BASE_TIMESTAMP_AT)
    setMaxTimestamp(bytes, at, 0)
    setCrc(bytes, at, 0)
  }
}

function cleanSnapshot(bytes: Buffer): void {
  bytes.writeUInt32BE(0, 2)
  for (let at = SNAPSHOT_HEADER_BYTES; at < bytes.length; at += SNAPSHOT_ENTRY_BYTES)
    cleanInt64(bytes, at + SNAPSHOT_TIMESTAMP_AT)
}

function cleanTimeIndex(bytes: Buffer): void {
  for (let at = 0; at + TIME_ENTRY_BYTES <= bytes.length; at += TIME_ENTRY_BYTES) {
    // Which of two markers has the largest time depends on whether a millisecond lies between them.
    if (cleanInt64(bytes, at)) bytes.writeUInt32BE(0, at + TIME_ENTRY_OFFSET_AT)
  }
}

function cleanInt64(bytes: Buffer, at: number): boolean {
  const time = bytes.readBigInt64BE(at)
  const isBrokers = time > 0n && time < BigInt(BROKER_TIME_BELOW_MS)
  if (isBrokers) bytes.writeBigInt64BE(1n, at)
  return isBrokers
}
