/**
 * Record sets as recipes: a batch that is right, and what is then broken in it. Bytes are made when they are sent, because
 * a producer id differs between the servers. Times are fixed, so that what is stored can be compared byte by byte.
 */
import { ATTRIBUTES_AT, type Codec } from '../../src/records/batch.ts'
import { buildBatch } from '../../src/records/batch-builder.ts'
import { crc32c } from '../../src/records/crc32c.ts'
import { buildMessageSet } from '../../src/records/message-builder.ts'
import type { Choices } from './random.ts'

export interface BatchRecipe {
  readonly magic: 0 | 1 | 2
  readonly codec: Codec
  readonly count: number
  readonly keyed: boolean
  readonly timestamp: number
  /** Index into the learned producer ids; null for none. */
  readonly producer: number | null
  readonly producerEpoch: number
  readonly sequence: number
  readonly damage: Damage
  readonly valueBytes: number
}

export interface RecordsRecipe {
  readonly batches: readonly BatchRecipe[]
}

export const DAMAGES = [
  'none',
  'crc',
  'magic',
  'truncated',
  'trailing',
  'length',
  'count',
  'count-zero',
  'last-offset',
  'base-offset',
  'codec',
  'control',
  'transactional',
  'log-append-time',
  'timestamp-far',
  'unknown-codec',
  'garbage-records',
  'delete-horizon',
  'negative-length',
  'header-only',
] as const
export type Damage = (typeof DAMAGES)[number]

const TIME = 1_700_000_000_000
const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export function drawRecords(choices: Choices, magics: readonly (0 | 1 | 2)[]): RecordsRecipe {
  const count = choices.weighted([
    [90, 1],
    [6, 2],
    [2, 0],
    [2, 3],
  ])
  return { batches: Array.from({ length: count }, () => drawBatch(choices, choices.pick(magics))) }
}

function drawBatch(choices: Choices, magic: 0 | 1 | 2): BatchRecipe {
  const idempotent = magic === 2 && choices.chance(0.25)
  const codec = choices.chance(0.5) ? 'none' : choices.pick(magic === 2 ? CODECS : CODECS.slice(0, 4))
  return {
    magic,
    codec,
    count: choices.weighted([
      [50, 1],
      [30, 3],
      [10, 20],
      [2, 0],
    ]),
    keyed: choices.chance(0.7),
    timestamp: choices.weighted([
      [80, TIME + choices.below(1000)],
      [5, -1],
      [5, 0],
      [3, -5],
    ]),
    producer: idempotent ? choices.below(3) : null,
    producerEpoch: idempotent
      ? choices.weighted<number>([
          [85, 0],
          [8, 1],
          [3, -1],
          [4, 3],
        ])
      : -1,
    sequence: idempotent
      ? choices.weighted<number>([
          [50, 0],
          [25, 1],
          [10, 3],
          [5, 4],
          [5, 2_147_483_647],
          [5, -1],
        ])
      : -1,
    damage: choices.chance(0.72) ? 'none' : choices.pick(DAMAGES),
    valueBytes: choices.weighted([
      [85, choices.below(60)],
      [10, 2000],
      [3, 200_000],
      [1, 1_100_000],
    ]),
  }
}

export function makeRecords(recipe: RecordsRecipe, producerId: (nth: number) => number): Buffer {
  return Buffer.concat(recipe.batches.map((batch) => makeBatch(batch, producerId)))
}

function makeBatch(recipe: BatchRecipe, producerId: (nth: number) => number): Buffer {
  const records = Array.from({ length: recipe.count }, (_, index) => ({
    timestamp: recipe.damage === 'timestamp-far' ? 40_000_000_000_000 : recipe.timestamp,
    key: recipe.keyed ? Buffer.from(`key-${index}`) : null,
    value: index % 7 === 6 ? null : Buffer.alloc(recipe.valueBytes, `value ${index} `),
    headers:
      recipe.magic === 2 && index % 3 === 2 ? [{ key: 'h', value: index % 2 === 0 ? null : Buffer.from('x') }] : [],
  }))
  if (recipe.magic < 2) {
    const codec = recipe.codec === 'zstd' ? 'none' : recipe.codec
    return damage(buildMessageSet({ magic: recipe.magic === 0 ? 0 : 1, codec, records }), recipe)
  }
  const batch = buildBatch({
    codec: recipe.codec,
    records,
    timestampMs: recipe.timestamp,
    producerId: recipe.producer === null ? -1 : producerId(recipe.producer),
    producerEpoch: recipe.producerEpoch,
    baseSequence: recipe.sequence,
    transactional: recipe.damage === 'transactional',
    control: recipe.damage === 'control',
  })
  return damage(batch, recipe)
}

function damage(bytes: Buffer, recipe: BatchRecipe): Buffer {
  if (bytes.length < 17) return bytes
  const batch = recipe.magic === 2
  switch (recipe.damage) {
    case 'crc':
      bytes[batch ? 18 : 13] = (bytes[batch ? 18 : 13] ?? 0) ^ 0x55
      return bytes
    case 'magic':
      bytes[16] = 3
      return bytes
    case 'truncated':
      return bytes.subarray(0, bytes.length - 5)
    case 'trailing':
      return Buffer.concat([bytes, Buffer.from([0, 0, 0, 0, 0])])
    case 'length':
      bytes.writeInt32BE(bytes.readInt32BE(8) + 9, 8)
      return bytes
    case 'negative-length':
      bytes.writeInt32BE(-1, 8)
      return bytes
    case 'header-only':
      return bytes.subarray(0, 61)
    default:
      return batch ? resealed(bytes, recipe.damage) : bytes
  }
}

/** Broken inside, but with a CRC that holds. */
function resealed(bytes: Buffer, kind: Damage): Buffer {
  switch (kind) {
    case 'count':
      bytes.writeInt32BE(bytes.readInt32BE(57) + 1, 57)
      break
    case 'count-zero':
      bytes.writeInt32BE(0, 57)
      break
    case 'last-offset':
      bytes.writeInt32BE(bytes.readInt32BE(23) + 4, 23)
      break
    case 'base-offset':
      bytes.writeBigInt64BE(17n, 0)
      break
    case 'codec':
      bytes.writeInt16BE(
        (bytes.readInt16BE(ATTRIBUTES_AT) & ~7) | ((bytes.readInt16BE(ATTRIBUTES_AT) + 1) % 5),
        ATTRIBUTES_AT,
      )
      break
    case 'unknown-codec':
      bytes.writeInt16BE(bytes.readInt16BE(ATTRIBUTES_AT) | 7, ATTRIBUTES_AT)
      break
    case 'log-append-time':
      bytes.writeInt16BE(bytes.readInt16BE(ATTRIBUTES_AT) | 8, ATTRIBUTES_AT)
      break
    case 'delete-horizon':
      bytes.writeInt16BE(bytes.readInt16BE(ATTRIBUTES_AT) | 0x40, ATTRIBUTES_AT)
      break
    case 'garbage-records':
      bytes.fill(0xc3, 61)
      break
    default:
      return bytes
  }
  bytes.writeUInt32BE(crc32c(bytes, ATTRIBUTES_AT), 17)
  return bytes
}
