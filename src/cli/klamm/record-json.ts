/** A record as one line of JSON: the shape that docs/KLAMM.md promises. */
import type { FormattedRecord } from './record-format.ts'

/** Bytes that are no UTF-8 are base64, and `…Encoding` says so. */
export function recordJson(record: FormattedRecord): string {
  const { topic, partition, offset, timestamp, keyBytes, valueBytes, headers } = record
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    ...field('key', keyBytes),
    ...field('value', valueBytes),
    headers: headers.map(({ key, value }) => ({ key, ...field('value', value) })),
  })
}

function field(name: 'key' | 'value', bytes: Buffer | null): Readonly<Record<string, string | null>> {
  if (bytes === null) return { [name]: null }
  const text = bytes.toString()
  if (Buffer.from(text).equals(bytes)) return { [name]: text }
  return { [name]: bytes.toString('base64'), [`${name}Encoding`]: 'base64' }
}
