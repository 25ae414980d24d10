/**
 * LZ4 frames as producers send them, decompressed into memory that the next call overwrites: for a leader that looks at the
 * records once. WebAssembly (lz4-block.wat) does the blocks, several times as fast as JavaScript can, and no page of
 * memory is new. What is unusual (checksums, sizes beyond the limits below) or broken answers null: lz4.ts reads it then,
 * and says what is wrong. Measured by bench/records.bench.ts.
 */
import { LZ4_BLOCK_WASM } from './lz4-block-wasm.ts'
import { readLz4Header, type Lz4FrameHeader } from './lz4.ts'

/** Memory of WebAssembly never shrinks, so what it may become is bounded: a usual batch is 1 MB at most. */
const INPUT_BYTES_MAX = 2 << 20
const OUTPUT_BYTES_MAX = 8 << 20
/** Copies touch up to 15 bytes behind the ends of input and output. */
const SLACK_BYTES = 64
const PAGE_BYTES = 1 << 16
const UNCOMPRESSED = 0x8000_0000
const LINK_BYTES = 64 * 1024

interface Memory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

interface Blocks {
  readonly memory: Memory
  decompress(at: number, end: number, to: number, limit: number, window: number): number
}

/** What of WebAssembly is used here; absent where code may not be generated (node --jitless). */
interface WebAssemblyApi {
  Module: new (bytes: Buffer) => object
  Instance: new (module: object) => { readonly exports: unknown }
}

let blocks: Blocks | null | undefined
let view = Buffer.alloc(0)

/** Valid until the next call. */
export function lz4DecompressOnce(bytes: Buffer, maxBytes: number): Buffer | null {
  if (bytes.length > INPUT_BYTES_MAX) return null
  if (blocks === undefined) blocks = load()
  if (blocks === null) return null
  const header = readLz4Header(bytes, maxBytes, 2)
  if (header.hasBlockChecksums || header.hasContentChecksum) return null
  const outputAt = (bytes.length + SLACK_BYTES + 15) & ~15
  reserve(blocks, outputAt)
  bytes.copy(view, 0)
  const end = decompressBlocks(blocks, bytes.length, header, outputAt, Math.min(maxBytes, OUTPUT_BYTES_MAX))
  if (end < 0 || (header.contentBytes !== null && header.contentBytes !== end - outputAt)) return null
  return view.subarray(outputAt, end)
}

/** The end of the output, or -1. */
function decompressBlocks(
  { memory, decompress }: Blocks,
  inputEnd: number,
  header: Lz4FrameHeader,
  outputAt: number,
  maxBytes: number,
): number {
  const outputMax = outputAt + maxBytes
  let at = header.end
  let filled = outputAt
  for (;;) {
    if (inputEnd - at < 4) return -1
    const word = view.readUInt32LE(at)
    at += 4
    if (word === 0) return filled
    const size = word % UNCOMPRESSED
    if (size > inputEnd - at || size > header.blockBytesMax) return -1
    const limit = Math.min(filled + Math.min(header.blockBytesMax, size * 255), outputMax)
    reserve({ memory }, limit)
    if (word >= UNCOMPRESSED) {
      if (size > limit - filled) return -1
      view.copyWithin(filled, at, at + size)
      filled += size
    } else {
      const window = header.isIndependent ? filled : Math.max(filled - LINK_BYTES, outputAt)
      filled = decompress(at, at + size, filled, limit, window)
      if (filled < 0) return -1
    }
    at += size
  }
}

function reserve({ memory }: Pick<Blocks, 'memory'>, end: number): void {
  const missing = end + SLACK_BYTES - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
  // Growing detaches the buffer that was there.
  if (view.buffer !== memory.buffer) view = Buffer.from(memory.buffer)
}

function load(): Blocks | null {
  const api: unknown = Reflect.get(globalThis, 'WebAssembly')
  if (!isApi(api)) return null
  try {
    const { exports } = new api.Instance(new api.Module(Buffer.from(LZ4_BLOCK_WASM, 'base64')))
    return isBlocks(exports) ? exports : null
  } catch {
    return null // a machine without vector instructions
  }
}

function isApi(value: unknown): value is WebAssemblyApi {
  return typeof value === 'object' && value !== null && 'Module' in value && 'Instance' in value
}

function isBlocks(value: unknown): value is Blocks {
  return typeof value === 'object' && value !== null && 'memory' in value && 'decompress' in value
}
