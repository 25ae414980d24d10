/** Logs of `__consumer_offsets` that Apache Kafka wrote replay into the groups and offsets that its tools showed. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SILENT } from '../../base/logger.ts'
import { buildMarker } from '../../records/control.ts'
import { OffsetFetchRequest } from '../../protocol/generated/offset-fetch.ts'
import { context, GroupBench, soon } from '../../testing/group-bench.ts'
import { MemoryCoordinatorLog } from '../../testing/memory-coordinator-log.ts'
import { ERROR_CODES as E } from '../../base/error-codes.ts'

const GOLDEN = new URL('../../../test/golden/groups/', import.meta.url)

interface ExpectedGroup {
  readonly type: string
  readonly protocol: string
  readonly offsets: Readonly<Record<string, { leaderEpoch: number | null; metadata: string; offset: number }>>
}

function expectedGroups(fixture: string): Record<string, ExpectedGroup> {
  return JSON.parse(readFileSync(new URL(`${fixture}/expected.json`, GOLDEN), 'utf8'))
}

async function open(fixture: string, lines: string[] = []): Promise<GroupBench> {
  const log = new MemoryCoordinatorLog()
  for (const name of readdirSync(new URL(`${fixture}/`, GOLDEN)).filter((file) => file.endsWith('.log')))
    log.preload(Number(name.split('.')[0]), readFileSync(new URL(`${fixture}/${name}`, GOLDEN)))
  const logger = { ...SILENT, warn: (line: string) => void lines.push(line) }
  const bench = await GroupBench.start({ offsetsTopicPartitions: 4 }, { log, logger })
  bench.setTopics('t1')
  return bench
}

test.each(['kraft-single-clean', 'kraft39-static'])(
  '%s: groups, types and offsets are those of Kafka',
  async (fixture) => {
    const bench = await open(fixture)
    const expected = expectedGroups(fixture)
    const listed = (await bench.list()).map((line) => line.split(' '))
    expect(listed.map(([id, protocol, , type]) => ({ id, protocol, type }))).toEqual(
      Object.entries(expected)
        .map(([id, { protocol, type }]) => ({ id, protocol, type: type.toLowerCase() }))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    )
    for (const [groupId, group] of Object.entries(expected)) {
      // What a share group has read is in another topic.
      if (group.type === 'Share') continue
      const request = OffsetFetchRequest.make({ groups: [{ groupId, topics: null }] })
      const answer = await bench.coordinator.offsetFetch(context(9), request)
      const offsets = (answer.groups?.[0]?.topics ?? []).flatMap(({ name, partitions = [] }) =>
        partitions.map((partition) => [
          `${name}-${partition.partitionIndex}`,
          {
            leaderEpoch: partition.committedLeaderEpoch === -1 ? null : partition.committedLeaderEpoch,
            metadata: partition.metadata,
            offset: partition.committedOffset,
          },
        ]),
      )
      expect(Object.fromEntries(offsets), groupId).toEqual(group.offsets)
    }
  },
)

test('groups of types that are not served are named in one line, refuse a join and cannot be taken over', async () => {
  const lines: string[] = []
  const bench = await open('kraft-single-clean', lines)
  expect(lines.filter((line) => line.includes('g-new-live (Consumer)'))).toHaveLength(1)
  expect((await soon(bench, bench.join({ groupId: 'g-new-live' })))?.errorCode).toBe(E.INCONSISTENT_GROUP_PROTOCOL)
  expect(await soon(bench, bench.commit(1, { groupId: 'g-new-live' }))).toBe(E.UNKNOWN_MEMBER_ID)
  expect(await soon(bench, bench.delete('g-new-live', 'g-new'))).toEqual([E.NON_EMPTY_GROUP, 0])
  expect(await bench.fetch(0, false, 'idem', 'g-new')).toBe(-1)
  expect((await bench.list()).some((line) => line.startsWith('g-new '))).toBe(false)
})

test('an open transaction makes its offsets unstable until its marker', async () => {
  const bench = await open('kraft-single-clean')
  expect(await bench.fetch(1, false, 'seg-many', 'g-txn')).toBe(-1)
  expect(await soon(bench, bench.fetch(1, true, 'seg-many', 'g-txn'))).toBeNull()
  for (const [type, offset] of [
    ['COMMIT', 5],
    ['ABORT', -1],
  ] as const) {
    const again = await open('kraft-single-clean')
    const marker = buildMarker({
      type,
      producerId: 7,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestampMs: 0,
      baseOffset: 20,
    })
    again.coordinator.onResigned(0)
    again.log.preload(0, marker)
    await again.coordinator.onElected(0, 2)
    expect(await soon(again, again.fetch(1, true, 'seg-many', 'g-txn'))).toBe(offset)
    expect(await again.fetch(1, false, 'seg-many', 'g-txn')).toBe(offset)
  }
})
