/** The quorum's own records are Kafka's, byte for byte. */
import { expect, test } from 'vitest'
import type { Uuid } from '../base/uuid.ts'
import { KRAFT_VERSIONS } from '../raft/voters.ts'
import { controlEntryBatch, readControlBatch } from './control-batches.ts'

/** By Apache Kafka 4.3.1 when kraft.version of three static voters was raised, at offset 110 in epoch 2. */
const UPGRADE = Buffer.from(
  '000000000000006e000000eb00000002020ec51608002000000001000001a218d321b5000001a218d321b5ffffffffffffffffffffffffffff00000002' +
    '1e00000008000000050a000000010000d0020000020800000006ba0200000400000001c668f2e42a51777dc73ca902a9ce14d7020b434f4e54524f4c4c' +
    '45520a3132372e302e302e31797d0000000001000000000002b60910408eee4a77af7be46aeca7d5f9020b434f4e54524f4c4c45520a3132372e302e30' +
    '2e31797e0000000001000000000003679d86cbc11e44738feada035900f687020b434f4e54524f4c4c45520a3132372e302e302e31797f000000000100' +
    '000000',
  'hex',
)
const VOTERS = ['xmjy5CpRd33HPKkCqc4U1w', 'tgkQQI7uSneve-Rq7KfV-Q', 'Z52Gy8EeRHOP6toDWQD2hw'].map(
  (directory, index) => ({
    id: index + 1,
    directoryId: directory as Uuid,
    endpoints: [{ name: 'CONTROLLER', host: '127.0.0.1', port: 31101 + index }],
    kraftVersions: KRAFT_VERSIONS,
  }),
)
const CHANGE = { kraftVersion: 1, voters: VOTERS }

test('what raises kraft.version is the batch that Kafka writes', () => {
  const entry = { kind: 'control', baseOffset: 110, endOffset: 112, epoch: 2, leaderChange: null } as const
  const written = controlEntryBatch({ ...entry, voters: CHANGE }, 2, Number(0x1a218d321b5n))
  expect(written.toString('hex')).toBe(UPGRADE.toString('hex'))
})

test('and is read as what it says, with the levels that each voter serves', () => {
  expect(readControlBatch(UPGRADE, 0, { kraftVersion: 0, voters: null })).toMatchObject({
    change: CHANGE,
    state: CHANGE,
  })
})
