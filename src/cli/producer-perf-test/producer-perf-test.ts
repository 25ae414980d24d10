/**
 * kafka-producer-perf-test.sh: sends records and prints rates and latencies.
 *
 * Records are posted, not sent one promise each; the time of a record runs from there, so that waiting in the producer counts,
 * as in Kafka's.
 */
import type { Producer } from '../../client/producer/producer.ts'
import type { Bytes, Delivery } from '../../client/producer/producer-record.ts'
import { makeProducer } from '../clients/record-clients.ts'
import { printMetrics } from '../perf/metrics-table.ts'
import { LatencyStats, RecordsInFlight } from '../perf/send-stats.ts'
import { Throttle } from '../perf/throttle.ts'
import { sentenceOf, type Tool, type ToolHost } from '../tool/tool.ts'
import { payloads } from './payloads.ts'
import { producerPerfCommand, type ProducerPerfCommand } from './producer-perf-options.ts'

/** The clock is read for each so many records: they share a millisecond. */
const CLOCK_EVERY = 32

export const producerPerfTest: Tool = async (argv, host) => {
  const command = await producerPerfCommand(argv, host)
  const { terminal } = host
  const run = new Run(host, command)
  const producer = await makeProducer(host, command.properties, { onDelivery: (delivery) => run.delivered(delivery) })
  try {
    if (command.transactionMs !== null) await producer.initTransactions()
    if (command.warmupRecords > 0) {
      terminal.out(
        `Warmup first ${command.warmupRecords} records. Steady state results will print after the complete test summary.`,
      )
    }
    await run.sendAll(producer)
    await producer.flush()
    run.printTotals()
    if (command.printsMetrics) printMetrics(terminal, producer.metrics.all())
    return 0
  } finally {
    await producer.close()
  }
}

class Run {
  readonly #host: ToolHost
  readonly #command: ProducerPerfCommand
  readonly #inFlight = new RecordsInFlight()
  #stats: LatencyStats
  #steady: LatencyStats | null = null
  #warmupLeft: number
  #nowMs: number

  constructor(host: ToolHost, command: ProducerPerfCommand) {
    this.#host = host
    this.#command = command
    this.#warmupLeft = command.warmupRecords
    this.#nowMs = this.#readClock()
    this.#stats = this.#newStats(false)
  }

  async sendAll(producer: Producer<Bytes, Bytes>): Promise<void> {
    const { topic, numRecords, throughput, payload, transactionMs, warmupRecords } = this.#command
    const { clock, random } = this.#host.world
    const next = payloads(payload, random)
    const throttle = new Throttle(clock, throughput)
    this.#readClock()
    this.#stats = this.#newStats(false)
    let transactionStartMs: number | null = null
    for (let index = 0; index < numRecords; index++) {
      if (index % CLOCK_EVERY === 0) this.#readClock()
      if (transactionMs !== null && transactionStartMs === null) {
        await producer.beginTransaction()
        transactionStartMs = this.#readClock()
      }
      if (warmupRecords > 0 && index === warmupRecords) {
        this.#steady = this.#newStats(true)
        this.#stats.isSilent = true
      }
      const value = next(index)
      this.#inFlight.sent(this.#nowMs, value.length)
      if (!producer.post({ topic, value })) {
        await producer.drained()
        this.#readClock()
      }
      if (transactionMs !== null && transactionStartMs !== null && this.#nowMs - transactionStartMs >= transactionMs) {
        await producer.commitTransaction()
        transactionStartMs = null
      }
      if (throttle.isAhead(index + 1, this.#nowMs)) {
        await throttle.wait(index + 1)
        this.#readClock()
      }
    }
    if (transactionStartMs !== null) await producer.commitTransaction()
  }

  delivered({ records, error }: Delivery): void {
    const nowMs = this.#readClock()
    this.#inFlight.done(records, (count, bytes, sentMs) => {
      const warm = Math.min(count, this.#warmupLeft)
      this.#warmupLeft -= warm
      if (error !== null) return
      this.#stats.add(count, bytes, nowMs - sentMs, nowMs)
      const steady = count - warm
      if (steady > 0) this.#steady?.add(steady, (bytes / count) * steady, nowMs - sentMs, nowMs)
    })
    // Kafka prints one stack trace for each of them.
    if (error !== null) this.#host.terminal.error(`${records} records failed: ${sentenceOf(error)}`)
  }

  printTotals(): void {
    const nowMs = this.#readClock()
    this.#stats.printTotal(nowMs)
    this.#steady?.printTotal(nowMs)
  }

  #newStats(isSteadyState: boolean): LatencyStats {
    const print = (line: string): void => this.#host.terminal.out(line)
    return new LatencyStats({ print, intervalMs: this.#command.reportingMs, isSteadyState, nowMs: this.#nowMs })
  }

  #readClock(): number {
    this.#nowMs = Math.floor(this.#host.world.clock.monotonicMs())
    return this.#nowMs
  }
}
