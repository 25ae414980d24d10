/**
 * Groups of consumers in worlds of many seeds, where leaders and the coordinator move, requests and answers get lost, brokers
 * are slow, and members come, go and die. Whatever happens, of every partition every record comes, in order within each stay
 * of a member, from where the last commit was; and no commit passes what a user had finished. Where nothing is lost and
 * nobody dies (every other seed), each record is finished exactly once.
 */
import { expect, test } from 'vitest'
import { ScriptedCluster } from '../../testing/scripted/scripted-cluster.ts'
import { ScriptedGroup } from '../../testing/scripted/scripted-group.ts'
import { ScriptedLogs } from '../../testing/scripted/scripted-logs.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { pause } from '../call.ts'
import { resolveClientOptions } from '../client-options.ts'
import { string } from '../serde.ts'
import { Consumer } from './consumer.ts'
import type { ConsumerOptions } from './consumer-options.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

const SEEDS = Number(process.env['CONSUMER_SEEDS'] ?? 4)
const FIRST_SEED = Number(process.env['CONSUMER_SEED'] ?? 1)
const NODES = 3
const PARTITIONS = 3
const TOPICS = ['a', 'b']
const RECORDS_PER_PARTITION = 60
const TROUBLE_MS = 60_000

interface Member {
  readonly name: string
  readonly consumer: Consumer<string, string>
  isGone: boolean
  loop: Promise<void>
}

async function run(seed: number, own: ConsumerOptions<string, string>): Promise<void> {
  const world = new SeededWorld(seed)
  const { choices } = world
  const isGentle = seed % 2 === 0
  await world.run(async () => {
    const topics = Object.fromEntries(TOPICS.map((topic) => [topic, PARTITIONS]))
    const features = { 'group.version': 1 }
    const cluster = await ScriptedCluster.start(world, {
      nodes: NODES,
      topics,
      features,
      machineOf: () => ({ world, ip: 'main' }),
    })
    const logs = new ScriptedLogs(world, cluster)
    const group = new ScriptedGroup(world, cluster)
    const partitions = TOPICS.flatMap((topic) =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })),
    )
    /** Of each partition: below, somebody finished; and which offsets were finished. */
    const finished = new Map(partitions.map((one) => [keyOf(one), new Set<number>()]))
    const failures: string[] = []
    group.onCommit = (key, offset, memberId) => {
      for (let one = 0; one < offset; one++) {
        if (!finished.get(key)!.has(one))
          failures.push(`${memberId} committed ${offset} of ${key}, and ${one} was not finished`)
      }
    }
    const members: Member[] = []
    const loops: Promise<void>[] = []
    const finish = (name: string, key: string, offset: number): void => {
      const done = finished.get(key)!
      if (isGentle && done.has(offset)) failures.push(`${name} finished ${offset} of ${key} once more`)
      done.add(offset)
    }
    const end = async ({ loop, consumer }: Member): Promise<void> => {
      if (isGentle) {
        consumer.stop()
        await loop
      }
      await consumer.close()
    }
    let isOver = false

    const start = (): void => {
      const name = `c${members.length}`
      const node = world.node(name)
      const client = resolveClientOptions({ brokers: cluster.bootstrap, requestTimeoutMs: 3000, clientId: name })
      /** By partition: the next offset of this stay. */
      const expected = new Map<string, number>()
      const consumer: Consumer<string, string> = new Consumer(node.world, {
        ...client,
        ...own,
        groupId: 'g',
        key: string(),
        value: string(),
        offsetReset: 'earliest',
        autoCommitIntervalMs: 1000,
        sessionTimeoutMs: 10_000,
        fetchMaxWaitMs: 200,
        onRebalance: {
          assigned: (come: readonly TopicPartition[]) => {
            for (const one of come) expected.delete(keyOf(one))
          },
        },
        onCommitError: () => {},
      } as never)
      const member: Member = { name, consumer, isGone: false, loop: Promise.resolve() }
      members.push(member)
      consumer.subscribe(TOPICS)
      const seen = (topic: string, partition: number, offset: number): void => {
        const key = keyOf({ topic, partition })
        const next = expected.get(key)
        const from = next ?? group.offsets.get(key)?.offset ?? 0
        // A stay begins at a commit, maybe at one that is not the last any more.
        if (next === undefined ? offset > from : offset !== next)
          failures.push(`${name} got ${offset} of ${key}, not ${from}`)
        expected.set(key, offset + 1)
      }
      const byRecord = choices.chance(0.5)
      const handsCommit = choices.chance(0.4)
      const loop = async (): Promise<void> => {
        while (!member.isGone) {
          try {
            if (byRecord) {
              for await (const record of consumer.records()) {
                expect(record.value).toBe(`${record.topic}-${record.partition}-${record.offset}`)
                seen(record.topic, record.partition, record.offset)
                if (choices.chance(0.05)) await pause(node.world.clock, choices.below(2000))
                if (member.isGone && !isGentle) return
                finish(name, keyOf(record), record.offset)
                if (handsCommit && choices.chance(0.1)) await record.commit({ timeoutMs: 5000 }).catch(() => {})
              }
            } else {
              for await (const batch of consumer) {
                const offsets = [...batch].map(({ offset }) => offset)
                for (const offset of offsets) seen(batch.topic, batch.partition, offset)
                if (choices.chance(0.3)) await pause(node.world.clock, choices.below(3000))
                if (member.isGone && !isGentle) return
                for (const offset of offsets) finish(name, keyOf(batch), offset)
                if (handsCommit && choices.chance(0.3)) await batch.commit({ timeoutMs: 5000 }).catch(() => {})
              }
            }
            if (consumer.isClosed || member.isGone) return
          } catch (error) {
            failures.push(`${name}: ${String(error)}`)
            return
          }
        }
      }
      member.loop = loop()
      loops.push(member.loop)
    }

    start()
    start()
    const endMs = world.clock.monotonicMs() + TROUBLE_MS
    const appended = new Map(partitions.map((one) => [keyOf(one), 0]))
    cluster.lose = () => {
      if (isOver || isGentle || choices.chance(0.97)) return null
      return choices.chance(0.5) ? 'request' : 'answer'
    }
    while (world.clock.monotonicMs() < endMs) {
      await pause(world.clock, choices.below(1500))
      const { topic, partition } = partitions[choices.below(partitions.length)]!
      const key = keyOf({ topic, partition })
      const count = Math.min(1 + choices.below(20), RECORDS_PER_PARTITION - appended.get(key)!)
      if (count > 0) {
        logs.append(topic, partition, count)
        appended.set(key, appended.get(key)! + count)
      }
      const dice = choices.below(100)
      if (dice < 10) cluster.moveLeader(topic, partition, 1 + choices.below(NODES))
      else if (dice < 15) group.node = 1 + choices.below(NODES)
      else if (dice < 18 && members.length < 6) start()
      else if (dice < 21) {
        const alive = members.filter((member) => !member.isGone)
        const member = alive[choices.below(alive.length)]
        if (member !== undefined && alive.length > 1) {
          member.isGone = true
          if (!isGentle && choices.chance(0.5)) world.node(member.name).crash()
          else loops.push(end(member).catch((error: unknown) => void (isGentle && failures.push(String(error)))))
        }
      } else if (dice < 24) logs.forgetSessions()
      else if (isGentle) continue
      else if (dice < 27) {
        const id = group.memberIds[choices.below(Math.max(group.memberIds.length, 1))]
        if (id !== undefined) group.expel(id)
      } else if (dice < 30) world.net.reset()
    }
    isOver = true
    for (const one of partitions) {
      const left = RECORDS_PER_PARTITION - appended.get(keyOf(one))!
      if (left > 0) logs.append(one.topic, one.partition, left)
    }
    const isDone = (): boolean =>
      partitions.every((one) => (group.offsets.get(keyOf(one))?.offset ?? 0) === RECORDS_PER_PARTITION)
    const limitMs = world.clock.monotonicMs() + 600_000
    while (!isDone() && failures.length === 0 && world.clock.monotonicMs() < limitMs) await pause(world.clock, 500)
    const left = partitions.filter((one) => group.offsets.get(keyOf(one))?.offset !== RECORDS_PER_PARTITION)
    for (const member of members) {
      if (member.isGone) continue
      member.isGone = true
      await end(member).catch((error: unknown) => failures.push(`${member.name} closes: ${String(error)}`))
    }
    await cluster.close()
    expect(failures).toEqual([])
    expect(
      left.map((one) => `${keyOf(one)}: ${group.offsets.get(keyOf(one))?.offset ?? 0} of ${RECORDS_PER_PARTITION}`),
    ).toEqual([])
    expect(cluster.unexpected).toEqual([])
  })
}

const SETTINGS: Readonly<Record<string, ConsumerOptions<string, string>>> = {
  'the new protocol': { groupProtocol: 'auto' },
  'the classic protocol, cooperative': { groupProtocol: 'classic', assignors: ['cooperative-sticky'] },
  'the classic protocol, eager': { groupProtocol: 'classic', assignors: ['range', 'roundrobin'] },
}

for (const [name, own] of Object.entries(SETTINGS)) {
  test(`${name}: every record comes in order, and commits never pass what is finished`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      try {
        await run(seed, own)
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      }
    }
  })
}
