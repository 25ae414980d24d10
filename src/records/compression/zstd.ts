/**
 * zstd: of node:zlib where Node has it (from 22.15), which caps its output; of @toondepauw/node-zstd before.
 *
 * That package has no cap of its own, so the frames' block headers are read first: raw and run-length blocks say what
 * they become, a compressed one becomes at most 128 KiB. Above the cap the input is refused without decoding it. The
 * bound is exact for everything but streams flushed every few bytes, of which then more than a thousand are needed.
 */
import { createRequire } from 'node:module'
import * as zlib from 'node:zlib'
import { MalformedError } from '../../base/byte-reader.ts'
import { KafkaError } from '../../base/errors.ts'
import { readInt64 } from '../../base/int64.ts'

interface ZstdCodec {
  compress(bytes: Buffer, level: number): Buffer
  /** Of one frame. */
  decompress(frame: Buffer, maxBytes: number): Buffer
}

const LEVEL_DEFAULT = 3
const FRAME_MAGIC = 0xfd2f_b528
const SKIPPABLE_MAGIC = 0x184d_2a50
const BLOCK_BYTES_MAX = 128 * 1024
/** Decoders refuse windows above this unless told otherwise. */
const WINDOW_BYTES_MAX = 1 << 27

let loaded: ZstdCodec | null = null

export function zstdCompress(bytes: Buffer, level = LEVEL_DEFAULT): Buffer {
  return (loaded ??= load()).compress(bytes, level)
}

export function zstdDecompress(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length === 0) return bytes // no frames, no content
  const frames = findFrames(bytes, maxBytes)
  try {
    const codec = (loaded ??= load())
    // node:zlib stops after the first frame, so each is read by itself.
    const contents: Buffer[] = []
    let left = maxBytes
    for (const frame of frames) {
      const content = codec.decompress(frame, left)
      if (content.length > left) throw new MalformedError(`more than ${maxBytes} bytes`)
      left -= content.length
      contents.push(content)
    }
    const [only] = contents
    return only !== undefined && contents.length === 1 ? only : Buffer.concat(contents)
  } catch (error) {
    if (error instanceof KafkaError) throw error
    throw new MalformedError(`zstd: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/**
 * Walks frames and blocks without decoding them; returns the frames that have content.
 * @throws MalformedError if they are cut short, or may become more than `maxBytes`.
 */
export function findFrames(bytes: Buffer, maxBytes: number): Buffer[] {
  const frames: Buffer[] = []
  let total = 0
  let at = 0
  while (at < bytes.length) {
    const magic = uintLE(bytes, at, 4)
    if ((magic & 0xffff_fff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + uintLE(bytes, at + 4, 4)
      if (at > bytes.length) throw new MalformedError('zstd: frame cut short')
      continue
    }
    const frameStart = at
    if (magic !== FRAME_MAGIC) throw new MalformedError('zstd: not a frame')
    at += 4
    const descriptor = uintLE(bytes, at++, 1)
    const singleSegment = (descriptor & 0x20) !== 0
    let window = 0
    if (!singleSegment) {
      const code = uintLE(bytes, at++, 1)
      window = 2 ** (10 + (code >>> 3)) * (1 + (code & 7) / 8)
    }
    at += [0, 1, 2, 4][descriptor & 3]! // dictionary id
    const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!
    const content = contentBytes(bytes, at, sizeBytes)
    at += sizeBytes
    if (content !== null && total + content > maxBytes) throw new MalformedError(`zstd: content of ${content} bytes`)
    if (singleSegment) window = content ?? 0
    if (window > WINDOW_BYTES_MAX) throw new MalformedError(`zstd: window of ${window} bytes`)

    let frame = 0
    for (let last = false; !last;) {
      const block = uintLE(bytes, at, 3)
      at += 3
      last = (block & 1) !== 0
      const kind = (block >>> 1) & 3
      const size = block >>> 3
      if (kind === 3) throw new MalformedError('zstd: block of unknown kind')
      frame += kind === 2 ? BLOCK_BYTES_MAX : size
      at += kind === 1 ? 1 : size
      if (at > bytes.length) throw new MalformedError('zstd: block cut short')
    }
    total += content === null ? frame : Math.min(content, frame)
    if (total > maxBytes + BLOCK_BYTES_MAX) throw new MalformedError(`zstd: more than ${maxBytes} bytes`)
    if ((descriptor & 4) !== 0) at += 4 // checksum
    if (at > bytes.length) throw new MalformedError('zstd: frame cut short')
    frames.push(bytes.subarray(frameStart, at))
  }
  return frames
}

function contentBytes(bytes: Buffer, at: number, sizeBytes: number): number | null {
  if (sizeBytes === 0) return null
  if (sizeBytes < 8) return uintLE(bytes, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  if (bytes.length - at < 8) throw new MalformedError('zstd: header cut short')
  const size = readInt64(Buffer.from(bytes.subarray(at, at + 8)).reverse(), 0)
  return size < 0 ? Number.MAX_SAFE_INTEGER : Number(size)
}

function uintLE(bytes: Buffer, at: number, length: number): number {
  if (bytes.length - at < length) throw new MalformedError('zstd: frame cut short')
  return bytes.readUIntLE(at, length)
}

function load(): ZstdCodec {
  return loadBuiltIn() ?? loadPackage()
}

type ZlibZstd = (bytes: Buffer, options: { maxOutputLength?: number; params?: Record<number, number> }) => Buffer

/** The types of Node 20 do not know these functions yet. */
function loadBuiltIn(): ZstdCodec | null {
  const compress: unknown = Reflect.get(zlib, 'zstdCompressSync')
  const decompress: unknown = Reflect.get(zlib, 'zstdDecompressSync')
  const level: unknown = Reflect.get(zlib.constants, 'ZSTD_c_compressionLevel')
  if (!isZlibZstd(compress) || !isZlibZstd(decompress) || typeof level !== 'number') return null
  return {
    compress: (bytes, value) => compress(bytes, { params: { [level]: value } }),
    decompress: (frame, maxBytes) => decompress(frame, { maxOutputLength: Math.min(Math.max(maxBytes, 1), 2 ** 32) }),
  }
}

function isZlibZstd(value: unknown): value is ZlibZstd {
  return typeof value === 'function'
}

/** The package's classes are asked for at run time: its types are not loaded where it is not needed. */
function loadPackage(): ZstdCodec {
  let classes: typeof import('@toondepauw/node-zstd')
  try {
    classes = createRequire(import.meta.url)('@toondepauw/node-zstd')
  } catch {
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      'zstd needs Node 22.15, or a platform with a binary for Node 20',
    )
  }
  const encoders = new Map<number, InstanceType<typeof classes.Encoder>>()
  return {
    compress(bytes, level) {
      let encoder = encoders.get(level)
      if (encoder === undefined) encoders.set(level, (encoder = new classes.Encoder(level)))
      return encoder.encodeSync(bytes)
    },
    decompress: (frame) => new classes.Decoder().decodeSync(frame),
  }
}
