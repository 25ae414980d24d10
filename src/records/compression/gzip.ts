/**
 * gzip through node:zlib. Readers accept several members one after the other, as java.util.zip does. The cap is zlib's
 * own (`maxOutputLength`), so a bomb costs no more than `maxBytes`.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { MalformedError } from '../../base/byte-reader.ts'

/** What zlib takes as a cap at most. */
const OUTPUT_BYTES_MAX = 2 ** 32

export function gzipCompress(bytes: Buffer, level = -1): Buffer {
  return gzipSync(bytes, { level })
}

export function gzipDecompress(bytes: Buffer, maxBytes: number): Buffer {
  try {
    const out = gunzipSync(bytes, { maxOutputLength: Math.min(Math.max(maxBytes, 1), OUTPUT_BYTES_MAX) })
    if (out.length > maxBytes) throw new MalformedError(`more than ${maxBytes} bytes`)
    return out
  } catch (error) {
    throw new MalformedError(`gzip: ${error instanceof Error ? error.message : String(error)}`)
  }
}
