/**
 * A load by Klamm's client that writes down what it sees (checker.mjs says how): idempotent producers, one with transactions of
 * which a part is aborted, a group of consumers that read what is committed, and one consumer that reads everything, alone.
 *
 * `load.mjs {json}` with `LoadOptions`; prints `acked N` now and then. A line on standard input ends the producers; then what was
 * acknowledged is read to its end by everybody, and `done` is printed.
 */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../../scripts/setup.mjs'
import { random } from '../lib/random.mjs'

/**
 * @typedef {object} LoadOptions
 * @property {string} brokers
 * @property {string} topic
 * @property {number} partitions
 * @property {string} file for the history
 * @property {number} seed
 * @property {'all' | 1} acks
 * @property {number} producers
 * @property {number} members of the group
 * @property {boolean} transactions
 * @property {number} recordsPerSecond of all producers together
 */
/** @type {LoadOptions} */
const options = JSON.parse(process.argv[2])
const { brokers, topic, partitions, acks, recordsPerSecond } = options
const GROUP = 'history-group'
const TICK_MS = 20
const IN_FLIGHT_MAX = 500
const DRAIN_MS = 240_000

const { Klamm } = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href)
const kafka = new Klamm({
  brokers,
  clientId: 'history',
  requestTimeoutMs: 5000,
  connectTimeoutMs: 2000,
  reconnectBackoffMaxMs: 500,
  retryBackoffMaxMs: 500,
  metadataMaxAgeMs: 5000,
})
const out = createWriteStream(options.file)
const next = random(options.seed)
const places = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
const nowMs = () => Math.round(Number(process.hrtime.bigint() / 1000n)) / 1000
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const write = (event) => out.write(`${JSON.stringify(event)}\n`)
const whyOf = (error) => `${error?.code ?? ''} ${error?.message ?? error}`.slice(0, 200)

let isStopped = false
let isEnding = false
let acked = 0
/** Acknowledged and to be seen by everybody. */
const expected = new Set()
/** Seen by the group; by the consumer that is alone. */
const seen = { group: new Set(), alone: new Set() }

process.stdin.once('data', () => (isStopped = true))
process.stdin.once('end', () => (isStopped = true))

/** Sends one record and writes down what becomes of it; resolves to the value if it was acknowledged. */
async function sendOne(send, name, state, x) {
  const s = state.next++
  const v = `${name}.${s}`
  const n = Math.floor(next() * partitions)
  const t0 = nowMs()
  const more = x === undefined ? {} : { x }
  try {
    const { offset } = await send({ topic, partition: n, value: `${v}:${'x'.repeat(Math.floor(next() * 200))}` })
    write({ e: 'sent', p: name, s, n, v, o: offset, t0, t1: nowMs(), ...more })
    acked++
    return v
  } catch (error) {
    write({ e: 'unsent', p: name, s, n, v, why: whyOf(error), t0, t1: nowMs(), ...more })
    return null
  }
}

async function produce(name) {
  const idempotence = acks === 'all'
  const producer = kafka.producer({ acks, idempotence, lingerMs: 5, compression: 'lz4', deliveryTimeoutMs: 120_000 })
  const state = { next: 0 }
  const inFlight = new Set()
  const perTick = (recordsPerSecond / options.producers / 1000) * TICK_MS
  let due = 0
  while (!isStopped) {
    for (due += perTick; due >= 1; due--) {
      if (inFlight.size >= IN_FLIGHT_MAX) continue
      const sending = sendOne((record) => producer.send(record), name, state).then((value) => {
        inFlight.delete(sending)
        if (value !== null) expected.add(value)
      })
      inFlight.add(sending)
    }
    await sleep(TICK_MS)
  }
  await Promise.all(inFlight)
  await producer.close()
}

const NO = new Error('aborted on purpose')

async function produceTransactions(name) {
  const make = () => kafka.producer({ transactionalId: `${topic}-${name}`, transactionTimeoutMs: 120_000, lingerMs: 0 })
  let producer = make()
  const state = { next: 0 }
  for (let count = 0; !isStopped; count++) {
    const x = `${name}-${count}`
    const values = []
    let askedMs = null
    let how
    try {
      await producer.transaction(async (transaction) => {
        for (let at = 0; at < 4; at++) {
          const value = await sendOne((record) => transaction.send(record), name, state, x)
          if (value === null) throw NO
          values.push(value)
        }
        if (next() < 0.25) throw NO
        askedMs = nowMs()
      })
      how = 'committed'
      for (const value of values) expected.add(value)
    } catch (error) {
      // Who has not asked for the commit knows how it ends, whatever becomes of the abort.
      how = askedMs === null ? 'aborted' : 'unknown'
      if (error !== NO) {
        await producer.close({ timeoutMs: 1000 }).catch(() => {})
        producer = make()
        await sleep(200)
      }
    }
    write({ e: 'ended', x, how, t0: askedMs ?? nowMs(), t1: nowMs() })
    await sleep(50)
  }
  await producer.close()
}

/** One that only reads: a member of the group, or alone. */
async function consume(name, isMember) {
  const tell = (e) => (list) => write({ e, c: name, n: list.map(({ partition }) => partition), t: nowMs() })
  const consumer = kafka.consumer({
    ...(isMember ? { groupId: GROUP, groupProtocol: 'classic', isolationLevel: 'read_committed' } : {}),
    offsetReset: 'earliest',
    autoCommit: false,
    sessionTimeoutMs: 10_000,
    onRebalance: { assigned: tell('assigned'), revoked: tell('revoked'), lost: tell('revoked') },
  })
  write({ e: 'consumer', c: name, g: isMember ? GROUP : null, committed: isMember })
  if (isMember) consumer.subscribe([topic])
  else consumer.assign(places)
  const mine = isMember ? seen.group : seen.alone
  let commitsDue = 0
  while (!isEnding) {
    try {
      const batch = await consumer.poll({ timeoutMs: 500 })
      if (batch === null) continue
      const { partition } = batch
      const records = []
      batch.forEach((record) => {
        const text = record.valueBytes.toString()
        const value = text.slice(0, text.indexOf(':'))
        records.push([partition, record.offset, value])
        mine.add(value)
      })
      write({ e: 'polled', c: name, t: nowMs(), r: records })
      if (isMember && commitsDue++ % 8 === 0) {
        const o = batch.nextOffset
        await batch.commit().then(
          () => write({ e: 'committed', g: GROUP, n: partition, o, t: nowMs() }),
          () => {},
        )
      }
    } catch (error) {
      write({ e: 'poll-failed', c: name, why: whyOf(error), t: nowMs() })
      await sleep(100)
    }
  }
  await consumer.close({ timeoutMs: 5000 }).catch(() => {})
}

const names = Array.from({ length: options.producers }, (_, index) => `p${index + 1}`)
const producers = names.map(produce)
if (options.transactions) producers.push(produceTransactions('t1'))
const consumers = [consume('alone', false)]
for (let member = 1; member <= options.members; member++) consumers.push(consume(`member-${member}`, true))
const progress = setInterval(() => console.log(`acked ${acked}`), 250)
await Promise.all(producers)

// Everybody reads to the end; what is not there by then is missing.
const isMissing = (who) => [...expected].some((value) => !who.has(value))
for (const endMs = nowMs() + DRAIN_MS; nowMs() < endMs; await sleep(200)) {
  if (!isMissing(seen.alone) && (options.members === 0 || !isMissing(seen.group))) break
}
// Something more may come behind it that should not: a duplicate, say.
await sleep(1000)
isEnding = true
await Promise.all(consumers)
clearInterval(progress)
await new Promise((resolve) => out.end(resolve))
console.log('done')
process.exit(0)
