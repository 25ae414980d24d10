/**
 * `klamm consume`: prints records, in order within each partition.
 *
 * Without a group it reads the partitions itself, from one place to another; with --group as a member, from where the group
 * is, and what was printed is committed. Ends at the end of its range, after --number records, when interrupted, and when
 * nobody reads its output any more.
 */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import type { Consumer } from '../../client/consumer/consumer.ts'
import type { RecordBatchView } from '../../client/consumer/record-batch-view.ts'
import type { Properties } from '../clients/client-properties.ts'
import { makeConsumer } from '../clients/record-clients.ts'
import { nameOf, offsetsAt } from '../offsets/offset-plan.ts'
import type { ToolHost } from '../tool/tool.ts'
import type { Invocation, Run } from './command.ts'
import { notFound, usageError } from './exits.ts'
import { isBackwards, rangeOf, type OffsetRange, type Place } from './offset-range.ts'
import { recordFilter } from './record-filter.ts'
import { recordFormat, type FormattedRecord } from './record-format.ts'
import { recordJson } from './record-json.ts'
import { describedTopics } from './topic-names.ts'
import type { Words } from './words.ts'

const CALLED = 'klamm consume'
/** How often a consumer that waits looks whether its ends are behind markers that it does not hand out. */
const LOOK_EVERY_MS = 200

export interface Span extends TopicPartition {
  readonly from: number
  /** Behind the last record; Infinity goes on for ever. */
  readonly to: number
}

export const consume: Run = async (invocation) => {
  const { words, host } = invocation
  const printer = printerOf(words)
  const properties = await invocation.properties()
  const group = words.value('group')
  const range = wantedRange(words, host)
  const spans = await invocation.withAdmin((admin) => spansOf(admin, words, range, properties))
  if (group !== null) properties.set('group.id', group)
  else properties.set('enable.auto.commit', 'false')
  if (!properties.has('auto.offset.reset')) {
    properties.set('auto.offset.reset', 'earliest')
  }
  const open = spans.filter(({ from, to }) => from < to)
  if (open.length === 0 && group === null) return
  const consumer = await makeConsumer(host, properties)
  const stop = (): void => consumer.stop()
  host.interrupted.addEventListener('abort', stop)
  if (host.interrupted.aborted) stop()
  try {
    if (group === null) {
      consumer.assign(open)
      for (const span of open) consumer.seek(span, span.from)
    } else consumer.subscribe([words.positionals[0] ?? ''])
    await print(consumer, new Map(open.map((span) => [nameOf(span), span.to])), printer, group !== null, invocation)
  } finally {
    host.interrupted.removeEventListener('abort', stop)
    await consumer.close()
  }
}

interface Printer {
  readonly shown: (record: FormattedRecord, count: number) => Uint8Array | string
  readonly isWanted: (record: FormattedRecord) => boolean
}

function printerOf(words: Words): Printer {
  const grep = words.value('grep')
  const isWanted = grep === null ? () => true : recordFilter(grep)
  if (!words.has('json')) return { shown: recordFormat(words.value('format') ?? ''), isWanted }
  if (words.has('format')) throw usageError('Only one of --json and --format.', CALLED)
  return { shown: (record) => `${recordJson(record)}\n`, isWanted }
}

function wantedRange(words: Words, { world }: ToolHost): OffsetRange {
  const text = words.value('offset')
  const group = words.value('group')
  if (group !== null) {
    for (const name of ['offset', 'partition', 'exit', 'tail']) {
      if (!words.has(name)) continue
      throw usageError(`With --group the group says where reading goes on: --${name} needs none.`, CALLED)
    }
  }
  const range = text === null ? null : rangeOf(text, world.clock.wallMs())
  if (text !== null && range === null) {
    throw usageError(`--offset ${text}: say start, end, 100, 100:200, +5, -10, @-1h or @2026-11-26T10:00.`, CALLED)
  }
  if (text !== null && range !== null && isBackwards(range)) {
    throw usageError(`--offset ${text} ends before it begins.`, CALLED)
  }
  const from = range?.from ?? { kind: words.has('tail') ? 'end' : 'start', by: 0 }
  return { from, to: range?.to ?? (words.has('exit') ? { kind: 'end', by: 0 } : null) }
}

/** Rejects with ToolExit for a topic or partition that is not there. */
export async function spansOf(
  admin: AdminClient,
  words: Words,
  { from, to }: OffsetRange,
  properties: Properties,
): Promise<readonly Span[]> {
  const [name = ''] = words.positionals
  const [topic] = await describedTopics(admin, [name])
  if (words.has('group')) return []
  const known = (topic?.partitions ?? []).map(({ partition }) => partition)
  const asked = words.values('partition').flatMap((text) => text.split(','))
  for (const text of asked) {
    if (!known.includes(Number(text)) || !/^\d+$/.test(text)) throw notFound(`partition of ${name}`, text, [])
  }
  const partitions = known
    .filter((partition) => asked.length === 0 || asked.includes(String(partition)))
    .map((partition) => ({ topic: name, partition }))
  const isCommitted = properties.get('isolation.level')?.trim().toLowerCase() === 'read_committed'
  const isolationLevel = isCommitted ? 'read_committed' : 'read_uncommitted'
  const [starts, ends] = await Promise.all([
    offsetsAt(admin, partitions, 'earliest'),
    // Behind an open transaction nothing would come.
    offsetsAt(admin, partitions, 'latest', { isolationLevel }),
  ])
  const offsets = async (place: Place): Promise<ReadonlyMap<string, number>> => {
    if (place.kind === 'time') return await offsetsAt(admin, partitions, { timestamp: place.timestampMs })
    if (place.kind === 'offset') return new Map(partitions.map((one) => [nameOf(one), place.offset]))
    const base = place.kind === 'start' ? starts : ends
    return new Map([...base].map(([key, offset]) => [key, offset + place.by]))
  }
  const [firsts, lasts] = await Promise.all([offsets(from), to === null ? null : offsets(to)])
  return partitions.map((one) => {
    const key = nameOf(one)
    const [start, end] = [starts.get(key) ?? 0, ends.get(key) ?? 0]
    const first = firsts.get(key)
    // No record is so late; or before the start of a short log, which is its start.
    const begin =
      first !== undefined && first >= 0 ? Math.max(start, Math.min(end, first)) : from.kind === 'time' ? end : start
    return { ...one, from: begin, to: lasts === null ? Infinity : limitOf(lasts.get(key), to, start, end) }
  })
}

/** A range never waits for what is not written yet: it ends where the topic ends now. */
function limitOf(offset: number | undefined, to: Place | null, start: number, end: number): number {
  // Nothing is so late.
  if (offset === undefined || (offset < 0 && to?.kind === 'time')) return end
  return Math.max(start, Math.min(end, offset))
}

async function print(
  consumer: Consumer,
  limits: Map<string, number>,
  printer: Printer,
  isMember: boolean,
  { words, host }: Invocation,
): Promise<void> {
  const { terminal } = host
  const most = words.integer('number') ?? Infinity
  const endsByItself = [...limits.values()].some((limit) => limit < Infinity)
  let count = 0
  while (count < most && !terminal.isClosed && !host.interrupted.aborted) {
    if (!isMember && limits.size === 0) return
    const batch = await consumer.poll(endsByItself ? { timeoutMs: LOOK_EVERY_MS } : {})
    if (batch === null) {
      if (!endsByItself) return
      await dropFinished(consumer, limits)
      continue
    }
    const limit = limits.get(nameOf(batch)) ?? Infinity
    const { pieces, printed, last } = printedOf(batch, printer, limit, most - count, count)
    count += printed
    if (pieces.length > 0) terminal.write(Buffer.concat(pieces))
    await terminal.flush()
    if (isMember && count >= most) await last?.commit()
    if (batch.nextOffset >= limit) finish(consumer, limits, batch)
  }
}

function printedOf(
  batch: RecordBatchView<Buffer, Buffer>,
  { shown, isWanted }: Printer,
  limit: number,
  most: number,
  before: number,
) {
  const pieces: Uint8Array[] = []
  let printed = 0
  let last: { commit(): Promise<void> } | null = null
  for (const record of batch) {
    if (record.offset >= limit || printed >= most) break
    last = record
    if (!isWanted(record)) continue
    printed += 1
    const text = shown(record, before + printed)
    pieces.push(typeof text === 'string' ? Buffer.from(text) : text)
  }
  return { pieces, printed, last }
}

function finish(consumer: Consumer, limits: Map<string, number>, { topic, partition }: TopicPartition): void {
  limits.delete(nameOf({ topic, partition }))
  if (limits.size > 0) consumer.pause([{ topic, partition }])
}

/** Behind the last record there may be markers of transactions, which nobody is given. */
async function dropFinished(consumer: Consumer, limits: Map<string, number>): Promise<void> {
  for (const partition of consumer.assignment()) {
    const limit = limits.get(nameOf(partition))
    if (limit !== undefined && (await consumer.position(partition)) >= limit) finish(consumer, limits, partition)
  }
}
