/** Assignments of random groups, with racks and static members, over some generations: Java's and ours (test/golden/assignors). */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { keyOf, type TopicPartition } from '../../topic-partition.ts'
import type { AssignablePartition, MemberSubscription, PartitionAssignor } from './assignor.ts'
import { rangeAssignor } from './range-assignor.ts'
import { roundRobinAssignor } from './round-robin-assignor.ts'
import { cooperativeStickyAssignor, stickyAssignor } from './sticky-assignor.ts'

interface Golden {
  readonly assignor: string
  readonly topics: Readonly<Record<string, readonly (readonly (string | null)[])[]>>
  readonly members: readonly {
    readonly id: string
    readonly topics: readonly string[]
    readonly data: string | null
    readonly owned: readonly string[]
    readonly generation: number
    readonly instance: string | null
    readonly rack: string | null
  }[]
  readonly assigned: Readonly<Record<string, readonly string[]>>
}

const GOLDEN = new URL('../../../../../test/golden/assignors/assignments.jsonl.gz', import.meta.url)
const LINES = gunzipSync(readFileSync(GOLDEN)).toString('utf8').trim().split('\n')

const MAKE: Readonly<Record<string, () => PartitionAssignor>> = {
  range: () => rangeAssignor,
  roundrobin: () => roundRobinAssignor,
  sticky: stickyAssignor,
  'cooperative-sticky': cooperativeStickyAssignor,
}

function placeOf(text: string): TopicPartition {
  const at = text.lastIndexOf('-')
  return { topic: text.slice(0, at), partition: Number(text.slice(at + 1)) }
}

async function assign({ assignor, topics, members }: Golden): Promise<Record<string, string[]>> {
  const subscribed = new Set(members.flatMap((member) => member.topics))
  const partitions = new Map<string, AssignablePartition[]>()
  for (const [topic, parts] of Object.entries(topics)) {
    if (!subscribed.has(topic)) continue
    partitions.set(
      topic,
      parts.map((racks, partition) => ({ topic, partition, racks })),
    )
  }
  const subscriptions = new Map<string, MemberSubscription>(
    members.map(({ id, topics: mine, data, owned, generation, instance, rack }) => [
      id,
      {
        topics: mine,
        userData: data === null ? null : Buffer.from(data, 'base64'),
        ownedPartitions: owned.map(placeOf),
        generationId: generation,
        groupInstanceId: instance,
        rackId: rack,
      },
    ]),
  )
  const assigned = await MAKE[assignor]!().assign(partitions, subscriptions)
  return Object.fromEntries(members.map(({ id }) => [id, (assigned.get(id)?.partitions ?? []).map(keyOf).toSorted()]))
}

test.each(Object.keys(MAKE))('%s assigns as Java does', async (name) => {
  let count = 0
  for (const [index, line] of LINES.entries()) {
    const golden = JSON.parse(line) as Golden
    if (golden.assignor !== name) continue
    count++
    const expected = Object.fromEntries(Object.entries(golden.assigned).map(([id, keys]) => [id, keys.toSorted()]))
    expect(await assign(golden), `line ${index + 1}`).toEqual(expected)
  }
  expect(count).toBeGreaterThan(200)
})
