/**
 * `klamm bench produce` and `bench consume`: rates and percentiles, as figures. The latency of a record runs from the call that
 * sends it to the broker's answer; the wait of a batch from the call that asks for it until it is there.
 */
import { makeConsumer, makeProducer } from '../clients/record-clients.ts'
import { nameOf } from '../offsets/offset-plan.ts'
import { LatencyStats, RecordsInFlight } from '../perf/send-stats.ts'
import { Throttle } from '../perf/throttle.ts'
import { payloads } from '../producer-perf-test/payloads.ts'
import { failure } from '../tool/tool-exit.ts'
import { sentenceOf, type ToolHost } from '../tool/tool.ts'
import type { Invocation, Run } from './command.ts'
import { spansOf } from './consume.ts'
import { Progress } from './progress.ts'
import { describedTopics } from './topic-names.ts'

const MEGABYTE = 1024 * 1024
/** How often a consumer looks whether it is at its ends. */
const LOOK_EVERY_MS = 200

function newStats(nowMs: number): LatencyStats {
  return new LatencyStats({ print: () => {}, intervalMs: Infinity, isSteadyState: false, nowMs })
}

export const benchProduce: Run = async (invocation) => {
  const { words, host } = invocation
  const [topic = ''] = words.positionals
  const [count, size, rate] = [words.integer('number', 1) ?? 0, words.integer('size') ?? 0, words.integer('rate', 1)]
  const properties = await invocation.properties()
  const codec = words.value('compression')
  if (codec !== null) properties.set('compression.type', codec)
  await invocation.withAdmin((admin) => describedTopics(admin, [topic]))
  const { clock, random } = host.world
  const startMs = clock.monotonicMs()
  const [stats, inFlight, progress] = [newStats(startMs), new RecordsInFlight(), new Progress(host)]
  const errors: Error[] = []
  let done = 0
  const producer = await makeProducer(host, properties, {
    onDelivery: ({ records, error }) => {
      const nowMs = clock.monotonicMs()
      done += records
      if (error !== null) errors.push(error)
      inFlight.done(records, (some, bytes, sentMs) => {
        if (error === null) stats.add(some, bytes, Math.round(nowMs - sentMs), nowMs)
      })
      progress.tell(done, count)
    },
  })
  try {
    const next = payloads({ kind: 'random', bytes: size }, random)
    const throttle = new Throttle(clock, rate ?? -1)
    for (let index = 0; index < count && errors.length === 0 && !host.interrupted.aborted; index++) {
      const value = next(index)
      inFlight.sent(clock.monotonicMs(), value.length)
      if (!producer.post({ topic, value })) await producer.drained()
      if (throttle.isAhead(index + 1, clock.monotonicMs())) await throttle.wait(index + 1).catch(() => {})
    }
    await producer.flush().catch(() => {})
  } finally {
    await producer.close()
    progress.end()
  }
  show(stats, clock.monotonicMs() - startMs, 'latency', invocation)
  if (errors[0] !== undefined) throw failure(`klamm: Not all records could be written: ${sentenceOf(errors[0])}`)
}

export const benchConsume: Run = async (invocation) => {
  const { words, host } = invocation
  const most = words.integer('number', 1) ?? Infinity
  const properties = await invocation.properties()
  properties.set('enable.auto.commit', 'false')
  const toEnd = { from: { kind: 'start', by: 0 }, to: { kind: 'end', by: 0 } } as const
  const spans = (await invocation.withAdmin((admin) => spansOf(admin, words, toEnd, properties))).filter(
    ({ from, to }) => from < to,
  )
  const whole = Math.min(
    most,
    spans.reduce((sum, { from, to }) => sum + to - from, 0),
  )
  const { clock } = host.world
  const startMs = clock.monotonicMs()
  const stats = newStats(startMs)
  if (spans.length > 0) {
    const consumer = await makeConsumer(host, properties)
    const stop = (): void => consumer.stop()
    host.interrupted.addEventListener('abort', stop)
    try {
      consumer.assign(spans)
      for (const span of spans) consumer.seek(span, span.from)
      await readAll(consumer, new Map(spans.map((span) => [nameOf(span), span.to])), most, whole, stats, host)
    } finally {
      host.interrupted.removeEventListener('abort', stop)
      await consumer.close()
    }
  }
  show(stats, clock.monotonicMs() - startMs, 'wait', invocation)
}

async function readAll(
  consumer: Awaited<ReturnType<typeof makeConsumer>>,
  limits: Map<string, number>,
  most: number,
  whole: number,
  stats: LatencyStats,
  host: ToolHost,
): Promise<void> {
  const { clock } = host.world
  const progress = new Progress(host)
  let records = 0
  try {
    while (limits.size > 0 && records < most && !host.interrupted.aborted) {
      const askedMs = clock.monotonicMs()
      const batch = await consumer.poll({ timeoutMs: LOOK_EVERY_MS })
      const nowMs = clock.monotonicMs()
      if (batch !== null) {
        let bytes = 0
        let count = 0
        const left = most - records
        batch.forEach((record) => {
          if (count >= left) return
          bytes += (record.keyBytes?.length ?? 0) + (record.valueBytes?.length ?? 0)
          count += 1
        })
        records += count
        stats.add(count, bytes, Math.round(nowMs - askedMs), nowMs)
        progress.tell(records, whole)
        if (batch.nextOffset >= (limits.get(nameOf(batch)) ?? Infinity)) limits.delete(nameOf(batch))
        continue
      }
      // Behind the last record there may be markers, which nobody is given.
      for (const one of consumer.assignment()) {
        if ((await consumer.position(one)) >= (limits.get(nameOf(one)) ?? Infinity)) limits.delete(nameOf(one))
      }
    }
  } finally {
    progress.end()
  }
}

function show(stats: LatencyStats, elapsedMs: number, what: 'latency' | 'wait', { output }: Invocation): void {
  const { records, bytes, averageMs, maxMs, p50Ms, p95Ms, p99Ms, p999Ms } = stats.summary()
  const perSecond = 1000 / Math.max(1, elapsedMs)
  const data = {
    records,
    bytes,
    elapsedMs: Math.round(elapsedMs),
    recordsPerSecond: Math.round(records * perSecond),
    megabytesPerSecond: Number(((bytes * perSecond) / MEGABYTE).toFixed(2)),
    [`${what}Ms`]: {
      average: Number(averageMs.toFixed(2)),
      p50: p50Ms,
      p95: p95Ms,
      p99: p99Ms,
      p999: p999Ms,
      max: maxMs,
    },
  }
  output.show(data, () => [
    {
      title: null,
      columns: ['records', 'records/s', 'MiB/s', `${what} ms avg`, '50 %', '95 %', '99 %', '99.9 %', 'max'],
      rows: [
        [
          records,
          data.recordsPerSecond,
          data.megabytesPerSecond,
          averageMs.toFixed(2),
          ...[p50Ms, p95Ms, p99Ms, p999Ms, maxMs],
        ],
      ],
    },
  ])
}
