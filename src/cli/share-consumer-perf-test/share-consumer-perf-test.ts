/**
 * kafka-share-consumer-perf-test.sh: share consumers of one group, side by side, read records, and rates are printed.
 *
 * Where records are missing at the end it warns and prints what there is; Kafka's own fails then.
 */
import type { ShareConsumer } from '../../client/share/share-consumer.ts'
import { makeShareConsumer } from '../clients/record-clients.ts'
import {
  readingPlan,
  readingProperties,
  READING_OPTIONS,
  type ReadingPlan,
} from '../consumer-perf-test/consumer-perf-options.ts'
import { checkOneOf, checkRequired, toolOptions } from '../options/option-checks.ts'
import { BOOTSTRAP_SERVER, COMMON_OPTIONS, flag, value, type OptionTable } from '../options/option-table.ts'
import { printMetrics } from '../perf/metrics-table.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Tool, ToolHost } from '../tool/tool.ts'

export const SHARE_CONSUMER_PERF_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': BOOTSTRAP_SERVER,
  topic: value('topic', 'REQUIRED: the topic to read.'),
  group: value('gid', 'The share group to read as.', { defaultValue: 'perf-share-consumer' }),
  ...READING_OPTIONS,
  threads: value('count', 'Consumers side by side.', { type: 'Integer', defaultValue: '1' }),
  'show-consumer-stats': flag('Print what each consumer read.'),
} satisfies OptionTable

const POLL_MS = 100

export const shareConsumerPerfTest: Tool = async (argv, host) => {
  const about = 'This tool is used to verify the share consumer performance.'
  const options = toolOptions(SHARE_CONSUMER_PERF_OPTIONS, argv, about, true)
  checkRequired(options, 'topic', 'bootstrap-server')
  checkOneOf(options, 'messages', 'num-records')
  const plan = readingPlan(options, host)
  const threads = options.integer('threads') ?? 1
  if (threads < 1) throw failure('Invalid number of threads. It must be 1 or more.')
  const properties = await readingProperties(options, host, 'perf-share-consumer-client')
  properties.set('group.id', options.value('group') ?? '')
  properties.set('check.crcs', 'false')
  const { terminal } = host
  if (!plan.hidesHeader) {
    terminal.out('start.time, end.time, data.consumed.in.MB, MB.sec, nMsg.sec, data.consumed.in.nMsg, fetch.time.ms')
  }
  const consumers: ShareConsumer[] = []
  try {
    for (let index = 0; index < threads; index++) consumers.push(await makeShareConsumer(host, properties))
    const startMs = now(host)
    const total: Amount = { records: 0, bytes: 0 }
    const readings = consumers.map((consumer, index) => new Reading(host, plan, consumer, index + 1, total))
    for (const consumer of consumers) consumer.subscribe(options.value('topic') ?? '')
    await Promise.all(readings.map((reading) => reading.readAll()))
    const endMs = now(host)
    if (options.has('show-consumer-stats')) {
      readings.forEach((reading, index) => {
        const shown = figures(plan, reading.read, startMs, endMs)
        terminal.out(
          `Share consumer ${index + 1} having client id ${properties.get('client.id')} consumption metrics- ${shown}`,
        )
      })
    }
    if (total.records < plan.numRecords()) {
      terminal.out(
        `WARNING: Exiting before consuming the expected number of records: timeout (${plan.timeoutMs} ms) exceeded. You can use the --timeout option to increase the timeout.`,
      )
    }
    await Promise.all(consumers.map((consumer) => consumer.commit()))
    terminal.out(figures(plan, total, startMs, endMs))
    if (plan.printsMetrics) for (const consumer of consumers) printMetrics(terminal, consumer.metrics.all())
    return 0
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close()))
  }
}

function now({ world }: ToolHost): number {
  return Math.floor(world.clock.wallMs())
}

interface Amount {
  records: number
  bytes: number
}

class Reading {
  readonly #host: ToolHost
  readonly #plan: ReadingPlan
  readonly #consumer: ShareConsumer
  readonly #index: number
  readonly #total: Amount
  readonly read: Amount = { records: 0, bytes: 0 }

  /** @param total of all consumers, which each adds to. */
  constructor(host: ToolHost, plan: ReadingPlan, consumer: ShareConsumer, index: number, total: Amount) {
    this.#host = host
    this.#plan = plan
    this.#consumer = consumer
    this.#index = index
    this.#total = total
  }

  async readAll(): Promise<void> {
    const numRecords = this.#plan.numRecords()
    const { timeoutMs, reportingMs, isDetailed } = this.#plan
    let nowMs = now(this.#host)
    let consumedMs = nowMs
    let reportedMs = nowMs
    let reported: Amount = { records: 0, bytes: 0 }
    while (this.#total.records < numRecords && nowMs - consumedMs <= timeoutMs) {
      const batch = await this.#consumer.poll({ timeoutMs: POLL_MS })
      nowMs = now(this.#host)
      if (batch === null) continue
      consumedMs = nowMs
      for (const record of batch) this.#add((record.keyBytes?.length ?? 0) + (record.valueBytes?.length ?? 0))
      if (nowMs - reportedMs < reportingMs) continue
      if (isDetailed) {
        const since = { records: this.read.records - reported.records, bytes: this.read.bytes - reported.bytes }
        const line = figures(this.#plan, this.read, reportedMs, nowMs, since)
        this.#host.terminal.out(`${line} for share consumer ${this.#index}`)
      }
      reported = { ...this.read }
      reportedMs = nowMs
    }
  }

  #add(bytes: number): void {
    this.read.records += 1
    this.read.bytes += bytes
    this.#total.records += 1
    this.#total.bytes += bytes
  }
}

/** @param since what rates are of. */
function figures({ formatTime }: ReadingPlan, read: Amount, startMs: number, endMs: number, since = read): string {
  const elapsedMs = endMs - startMs
  const megabytes = (bytes: number): number => bytes / (1024 * 1024)
  const perSecond = (amount: number): string => ((amount * 1000) / elapsedMs).toFixed(4)
  return [
    ...[formatTime(startMs), formatTime(endMs), megabytes(read.bytes).toFixed(4), perSecond(megabytes(since.bytes))],
    ...[perSecond(since.records), read.records, elapsedMs],
  ].join(', ')
}
