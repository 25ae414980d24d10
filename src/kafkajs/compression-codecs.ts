/**
 * kafkajs's registry of codecs. All are built in. Programs put codecs of other packages here, which is taken and changes nothing:
 * the client compresses by its own, in the same formats.
 */
import type { Codec } from '../records/batch.ts'
import { compress, decompress } from '../records/compression/compression.ts'
import { CompressionTypes } from './constants.ts'

export interface CompressionCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

function codecOf(codec: Codec): () => CompressionCodec {
  return () => ({
    compress: ({ buffer }) => Promise.resolve(compress(codec, buffer)),
    decompress: (buffer) => Promise.resolve(decompress(codec, buffer)),
  })
}

// oxlint-disable-next-line typescript/no-explicit-any -- codecs of other packages have shapes of their own
export const CompressionCodecs: Record<Exclude<CompressionTypes, 0>, () => any> = {
  [CompressionTypes.GZIP]: codecOf('gzip'),
  [CompressionTypes.Snappy]: codecOf('snappy'),
  [CompressionTypes.LZ4]: codecOf('lz4'),
  [CompressionTypes.ZSTD]: codecOf('zstd'),
}
