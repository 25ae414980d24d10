/**
 * kafka-consumer-perf-test.sh: reads records and prints rates, with and without the time in which the group found its members.
 *
 * What is read beyond --num-records of the last batch does not count.
 */
import type { RecordBatchView } from '../../client/consumer/record-batch-view.ts'
import type { Consumer } from '../../client/consumer/consumer.ts'
import type { RebalanceListener } from '../../client/consumer/rebalance-listener.ts'
import { keyOf } from '../../client/consumer/topic-partition.ts'
import { makeConsumer } from '../clients/record-clients.ts'
import { metricLines } from '../perf/metrics-table.ts'
import type { Tool, ToolHost } from '../tool/tool.ts'
import { consumerPerfCommand, type ConsumerPerfCommand } from './consumer-perf-options.ts'

const COLUMNS =
  'data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec'
const MEGABYTE = 1024 * 1024
const POLL_MS = 100

export const consumerPerfTest: Tool = async (argv, host) => {
  const command = await consumerPerfCommand(argv, host)
  const { terminal } = host
  if (!command.hidesHeader)
    terminal.out(`${command.isDetailed ? 'time, threadId' : 'start.time, end.time'}, ${COLUMNS}`)
  const joining = new JoinTimes(() => Math.floor(host.world.clock.wallMs()))
  const consumer = await makeConsumer(host, command.properties, { onRebalance: joining.listener })
  try {
    consumer.subscribe(command.topics instanceof RegExp ? command.topics : [...command.topics])
    const startMs = joining.begin()
    const reading = new Reading(host, command, joining)
    await reading.readAll(consumer)
    const endMs = Math.floor(host.world.clock.wallMs())
    const metrics = command.printsMetrics ? metricLines(consumer.metrics.all()) : []
    await consumer.close()
    if (!command.isDetailed) {
      const times = [startMs, endMs].map(command.formatTime)
      terminal.out([...times, ...figures(reading, endMs - startMs, joining.totalMs)].join(', '))
    }
    for (const line of metrics) terminal.out(line)
    return 0
  } finally {
    await consumer.close()
  }
}

/** How long the member had nothing to read since it began, or since a rebalance took all. */
class JoinTimes {
  readonly #now: () => number
  readonly #assigned = new Set<string>()
  #sinceMs = 0
  totalMs = 0
  /** Since the last line of rates. */
  roundMs = 0

  constructor(now: () => number) {
    this.#now = now
  }

  begin(): number {
    this.#sinceMs = this.#now()
    return this.#sinceMs
  }

  readonly listener: RebalanceListener = {
    revoked: (partitions) => {
      for (const partition of partitions) this.#assigned.delete(keyOf(partition))
      if (this.#assigned.size === 0) this.#sinceMs = this.#now()
    },
    assigned: (partitions) => {
      if (this.#assigned.size === 0) {
        const elapsedMs = this.#now() - this.#sinceMs
        this.totalMs += elapsedMs
        this.roundMs += elapsedMs
      }
      for (const partition of partitions) this.#assigned.add(keyOf(partition))
    },
  }
}

/** Since the tool or a line of rates began. */
interface Amount {
  readonly records: number
  readonly bytes: number
}

class Reading implements Amount {
  readonly #host: ToolHost
  readonly #command: ConsumerPerfCommand
  readonly #joining: JoinTimes
  records = 0
  bytes = 0
  #reported: Amount = { records: 0, bytes: 0 }

  constructor(host: ToolHost, command: ConsumerPerfCommand, joining: JoinTimes) {
    this.#host = host
    this.#command = command
    this.#joining = joining
  }

  async readAll(consumer: Consumer): Promise<void> {
    const numRecords = this.#command.numRecords()
    const { timeoutMs, reportingMs, isDetailed } = this.#command
    const { terminal, world } = this.#host
    let nowMs = Math.floor(world.clock.wallMs())
    let consumedMs = nowMs
    let reportedMs = nowMs
    while (this.records < numRecords && nowMs - consumedMs <= timeoutMs) {
      const batch = await consumer.poll({ timeoutMs: POLL_MS })
      nowMs = Math.floor(world.clock.wallMs())
      if (batch === null) continue
      consumedMs = nowMs
      const read = amountOf(batch, numRecords - this.records)
      this.records += read.records
      this.bytes += read.bytes
      if (nowMs - reportedMs < reportingMs) continue
      if (isDetailed) this.#report(reportedMs, nowMs)
      this.#joining.roundMs = 0
      this.#reported = { records: this.records, bytes: this.bytes }
      reportedMs = nowMs
    }
    if (this.records >= numRecords) return
    terminal.out(
      `WARNING: Exiting before consuming the expected number of records: timeout (${timeoutMs} ms) exceeded. You can use the --timeout option to increase the timeout.`,
    )
  }

  #report(sinceMs: number, nowMs: number): void {
    const since = { records: this.records - this.#reported.records, bytes: this.bytes - this.#reported.bytes }
    const [, megabytesPerSecond, , recordsPerSecond, ...fetching] = figures(
      since,
      nowMs - sinceMs,
      this.#joining.roundMs,
    )
    const total = (this.bytes / MEGABYTE).toFixed(4)
    const shown = [total, megabytesPerSecond, this.records, recordsPerSecond, ...fetching]
    this.#host.terminal.out([this.#command.formatTime(nowMs), 0, ...shown].join(', '))
  }
}

/** The columns but for the times. */
function figures({ records, bytes }: Amount, elapsedMs: number, joinMs: number): readonly (string | number)[] {
  const fetchMs = elapsedMs - joinMs
  const megabytes = bytes / MEGABYTE
  const perSecond = (amount: number, ms: number): string => ((amount * 1000) / ms).toFixed(4)
  return [
    ...[megabytes.toFixed(4), perSecond(megabytes, elapsedMs), records, perSecond(records, elapsedMs)],
    ...[joinMs, fetchMs, perSecond(megabytes, fetchMs), perSecond(records, fetchMs)],
  ]
}

/** Of keys and values, of the first `most` records. */
function amountOf(batch: RecordBatchView<Buffer, Buffer>, most: number): Amount {
  let records = 0
  let bytes = 0
  batch.forEach((record) => {
    if (records >= most) return
    records += 1
    bytes += (record.keyBytes?.length ?? 0) + (record.valueBytes?.length ?? 0)
  })
  return { records, bytes }
}
