/** Bytes that are not a request, or not quite: what a server does with them shows in what comes back, or a close. */
import type { Choices } from './random.ts'

export interface RawStep {
  readonly kind: 'raw'
  readonly connection: number
  readonly what: string
  readonly bytes: Buffer
  /** The client closes behind the bytes: only what other connections see can differ. */
  readonly hangUp: boolean
}

function frame(body: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

function header(apiKey: number, version: number, clientId: string | null = 'raw', flexible = false): Buffer {
  const name = clientId === null ? Buffer.alloc(0) : Buffer.from(clientId)
  const bytes = Buffer.alloc(10)
  bytes.writeInt16BE(apiKey, 0)
  bytes.writeInt16BE(version, 2)
  bytes.writeInt32BE(4711, 4)
  bytes.writeInt16BE(clientId === null ? -1 : name.length, 8)
  return Buffer.concat([bytes, name, flexible ? Buffer.from([0]) : Buffer.alloc(0)])
}

export function drawRaw(choices: Choices, connection: number): RawStep {
  const [what, bytes, hangUp] = choices.pick(KINDS)(choices)
  return { kind: 'raw', connection, what, bytes, hangUp: hangUp ?? false }
}

type Drawn = readonly [what: string, bytes: Buffer, hangUp?: boolean]

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const KINDS: readonly ((choices: Choices) => Drawn)[] = [
  () => ['size 0', int32(0)],
  () => ['size -1', int32(-1)],
  () => ['size 2147483647', int32(2_147_483_647)],
  () => ['size 100 MB + 1', int32(104_857_601)],
  (choices) => ['tiny frame', frame(Buffer.alloc(1 + choices.below(7), choices.below(3)))],
  () => ['header without client id', frame(header(18, 0).subarray(0, 8))],
  () => ['client id beyond the frame', frame(Buffer.concat([header(18, 0).subarray(0, 8), Buffer.from([0x7f, 0xff])]))],
  () => ['client id of length -2', frame(Buffer.concat([header(18, 0).subarray(0, 8), Buffer.from([0xff, 0xfe])]))],
  (choices) => {
    const key = choices.pick([-1, 4, 5, 6, 7, 52, 56, 93, 999, 32_767, -32_768])
    return [`API ${key}`, frame(header(key, 0))]
  },
  (choices) => {
    const key = choices.pick([0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 20, 22, 32, 60, 75])
    const version = choices.pick([-1, 30, 32_767])
    return [`API ${key} version ${version}`, frame(header(key, version))]
  },
  (choices) => {
    const version = choices.pick([5, 9, 32_767, -1])
    return [`ApiVersions version ${version}`, frame(header(18, version))]
  },
  (choices) => {
    const key = choices.pick([0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 32, 44])
    const version = {
      0: 7,
      1: 8,
      2: 3,
      3: 5,
      8: 5,
      9: 4,
      10: 2,
      11: 3,
      12: 2,
      13: 2,
      14: 2,
      15: 2,
      19: 4,
      20: 3,
      32: 2,
      44: 0,
    }[key]
    return [`empty body of API ${key}`, frame(header(key, version ?? 1))]
  },
  () => ['Metadata with bytes behind it', frame(Buffer.concat([header(3, 5), int32(0), Buffer.from([0, 1, 2, 3])]))],
  () => ['Metadata v5 with a huge count', frame(Buffer.concat([header(3, 5), int32(2_147_483_647), Buffer.from([0])]))],
  () => ['Metadata v5 with count -2', frame(Buffer.concat([header(3, 5), int32(-2), Buffer.from([0])]))],
  () => ['ListGroups v0 with bytes behind it', frame(Buffer.concat([header(16, 0), Buffer.from('more')]))],
  () => ['SaslHandshake', frame(Buffer.concat([header(17, 1), Buffer.from('\u0000\u0005PLAIN', 'latin1')]))],
  () => [
    'Heartbeat with a text of length -1',
    frame(Buffer.concat([header(12, 0), Buffer.from([0xff, 0xff]), int32(1), Buffer.from([0, 0])])),
  ],
  () => [
    'Metadata v9, tags say more than there is',
    frame(Buffer.concat([header(3, 9, 'raw', true), Buffer.from([1, 0, 0, 0, 5, 1])])),
  ],
  () => [
    'Metadata v9 with an unknown tag',
    frame(Buffer.concat([header(3, 9, 'raw', true), Buffer.from([1, 0, 0, 0, 1, 99, 2, 7, 7])])),
  ],
  () => [
    'FindCoordinator v0 with invalid UTF-8',
    frame(Buffer.concat([header(10, 0), Buffer.from([0, 2, 0xff, 0xfe])])),
  ],
  () => ['half a size', Buffer.from([0, 0]), true],
  () => ['half a frame', frame(header(18, 0)).subarray(0, 9), true],
  () => ['a size and nothing', int32(1000), true],
]
