/**
 * At rest: every replica of a partition is byte for byte the same up to the high watermark, holds what was acknowledged, once
 * and in order; all nodes have the same metadata, which outlives a restart of everything; the group has read everything.
 */
import { readRecords } from '../../records/record-reader.ts'
import { BatchCursor, isEntryCrcValid } from '../../records/batches.ts'
import { baseOffset, isControl } from '../../records/batch.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import { KlammClient } from '../../client/klamm.ts'
import { difference, plainImage, textOf } from '../plain-image.ts'
import type { ClusterSim } from './cluster-sim.ts'
import type { LoggedRecord } from './record-truth.ts'
import { GROUP } from './workloads.ts'

const READ_BYTES = 1 << 20

/** Returns every record that is in some log. */
export async function checkReplicas(sim: ClusterSim): Promise<ReadonlySet<string>> {
  const all = new Set<string>()
  for (const { name, partitions } of sim.settings.topics) {
    for (let index = 0; index < partitions; index++) {
      const copies: { readonly at: string; readonly span: string; readonly bytes: Buffer }[] = []
      for (const node of sim.brokers) {
        const log = node.inside?.services.replicas.partition(name, index)?.log ?? null
        if (log === null) continue
        const bytes = await wholeLog(log)
        const { startOffset, highWatermark, writtenEnd } = log
        const span = `${startOffset} to ${highWatermark} of ${writtenEnd}, ${bytes.length} bytes`
        copies.push({ at: node.name, span, bytes })
      }
      sim.check(copies.length >= 3, () => `${name}-${index} has ${copies.length} replicas at the end`)
      const [first, ...others] = copies
      for (const other of others) {
        sim.check(
          first!.bytes.equals(other.bytes),
          () =>
            `${name}-${index}: the logs of ${first!.at} (${first!.span}) and ${other.at} (${other.span}) differ: ${firstDifference(first!.bytes, other.bytes)}`,
        )
      }
      const records = recordsOf(first!.bytes)
      sim.records.checkWhole(name, index, records)
      for (const { value } of records) if (value !== null) all.add(value)
    }
  }
  return all
}

/** Where two logs part, and whether each believes its own batch there. */
function firstDifference(left: Buffer, right: Buffer): string {
  const differs = left.findIndex((byte, index) => byte !== right[index])
  const at = differs < 0 ? left.length : differs
  const batchAt = (bytes: Buffer): string => {
    const cursor = new BatchCursor().reset(bytes)
    while (cursor.next()) {
      if (at >= cursor.position) continue
      const validity = isEntryCrcValid(bytes, cursor.at, cursor.size) ? 'a valid' : 'an invalid'
      return `byte ${at - cursor.at} of the batch at offset ${baseOffset(bytes, cursor.at)}, ${validity} one of ${cursor.size} bytes`
    }
    return 'the end'
  }
  return `${batchAt(left)}; ${batchAt(right)}`
}

async function wholeLog(log: PartitionLog): Promise<Buffer> {
  const pieces: Buffer[] = []
  const end = log.highWatermark
  for (let offset = log.startOffset; offset < end;) {
    const read = await log.read(offset, end, READ_BYTES, true)
    pieces.push(...read.pieces.map((piece) => Buffer.from(piece)))
    read.release()
    if (read.nextOffset <= offset) break
    offset = read.nextOffset
  }
  return Buffer.concat(pieces)
}

function recordsOf(bytes: Buffer): LoggedRecord[] {
  const records: LoggedRecord[] = []
  const cursor = new BatchCursor().reset(bytes)
  while (cursor.next()) {
    const isMarker = isControl(bytes, cursor.at)
    for (const { offset, value } of readRecords(bytes, cursor.at)) {
      records.push({ offset, value: isMarker ? null : (value?.toString().trimEnd() ?? '') })
    }
  }
  return records
}

/** What all nodes have committed; what they may differ in for a moment is not in it. */
export function checkMetadata(sim: ClusterSim): void {
  const images = sim.nodes.flatMap(({ name, node }) =>
    node === null ? [] : [{ name, image: node.image, text: textOf(plainImage(node.image)) }],
  )
  const newest = Math.max(...images.map(({ image }) => image.provenance.offset))
  const same = images.filter(({ image }) => image.provenance.offset === newest)
  for (const { name, text } of same) {
    sim.check(
      text === same[0]!.text,
      () => `the metadata of ${same[0]!.name} and ${name} differ: ${difference(same[0]!.text, text)}`,
    )
  }
}

/** What was acknowledged of topics is true. */
export function checkTopics(sim: ClusterSim): void {
  const image = sim.brokers[0]?.inside?.services.image()
  sim.check(image !== undefined, () => 'no broker is up at the end')
  for (const [name, state] of sim.topics) {
    const isThere = image.topics.byName(name) !== null
    sim.check(state !== 'there' || isThere, () => `the topic ${name} was created, and is not there`)
    sim.check(state !== 'gone' || !isThere, () => `the topic ${name} was deleted, and is there`)
  }
}

/** Without what registrations change. */
export function metadataText(sim: ClusterSim): string {
  const image = sim.brokers[0]?.inside?.services.image()
  sim.check(image !== undefined, () => 'no broker is up at the end')
  const plain = { ...plainImage(image), brokers: null, controllers: null, features: null }
  return textOf(plain, ['leader', 'isr', 'leaderEpoch', 'partitionEpoch', 'elr', 'lastKnownElr'])
}

/** One more member reads what is left; then what is committed is the end of every partition. */
export async function checkGroup(sim: ClusterSim): Promise<void> {
  const kafka = new KlammClient(sim.world.node('observer').world, { brokers: sim.bootstrap })
  const consumer = kafka.consumer({
    groupId: GROUP,
    offsetReset: 'earliest',
    groupProtocol: 'classic',
    sessionTimeoutMs: 6000,
  })
  consumer.subscribe(sim.settings.topics.map(({ name }) => name))
  const ends = new Map<string, number>()
  for (const { name, partitions } of sim.settings.topics) {
    for (let index = 0; index < partitions; index++) {
      const marks = sim.brokers.map(
        ({ inside }) => inside?.services.replicas.partition(name, index)?.log?.highWatermark,
      )
      ends.set(`${name}-${index}`, Math.max(...marks.map((mark) => mark ?? 0)))
    }
  }
  const untilMs = sim.nowMs + 30_000
  const lagging = async (): Promise<string[]> => {
    const now = await consumer.committed([...ends.keys()].map(placeOf))
    return [...ends].flatMap(([name, end]) => {
      const offset = now.get(name)?.offset ?? 0
      return offset === end ? [] : [`${name} is committed at ${offset}, and ends at ${end}`]
    })
  }
  const found = await consumer.committed([...ends.keys()].map(placeOf))
  for (const name of ends.keys()) sim.records.checkCommitted(name, found.get(name)?.offset ?? 0)
  for (;;) {
    const batch = await consumer.poll({ timeoutMs: 1000 })
    if (batch !== null) {
      for (const { topic, partition, offset, value } of batch)
        sim.records.observe(topic, partition, offset, value?.toString().trimEnd() ?? '', 'the last member')
      continue
    }
    await consumer.commit()
    const left = await lagging()
    if (left.length === 0) break
    sim.check(sim.nowMs < untilMs, () => `the group is not through: ${left.join('; ')}`)
  }
  await consumer.close()
  await kafka.close()
}

function placeOf(name: string): { topic: string; partition: number } {
  const at = name.lastIndexOf('-')
  return { topic: name.slice(0, at), partition: Number(name.slice(at + 1)) }
}
