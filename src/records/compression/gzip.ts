/**
 * gzip through node:zlib. Readers accept several members one after the other, as java.util.zip does. The cap is zlib's
 * own (`maxOutputLength`), so a bomb costs no more than `maxBytes`.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { MalformedError } from '../../base/byte-reader.ts'

export function gzipCompress(bytes: Buffer, level = -1): Buffer {
  return gzipSync(bytes, { level })
}

export function gzipDecompress(bytes: Buffer, maxBytes: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    throw new MalformedError(`gzip: ${error instanceof Error ? error.message : String(error)}`)
  }
}
