/**
 * One client in a process of its own: `worker.mjs CLIENT produce|consume BROKER TOPIC COUNT BYTES PACKAGES KLAMM`. Prints a line of
 * JSON with the wall and CPU time (all threads) of COUNT records, after a warm-up that is not counted.
 *
 * Each client is used as its documentation says for bulk: many records a call, several calls at a time, acks=all. Klamm's is
 * idempotent, as by default; the others are as by default, too.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [client, kind, broker, topic, countText, bytesText, packages, klamm] = process.argv.slice(2)
const count = Number(countText)
const bytes = Number(bytesText)
const warmUp = Math.ceil(count / 4)
const value = Buffer.alloc(bytes, 'klamm ')
/** Records a call, and calls at a time, of the clients that take many in one. */
const CALL_RECORDS = 1000
const CALLS = 5

const load = async (name) => import(pathToFileURL(createRequire(`${packages}/package.json`).resolve(name)).href)

let cpu = process.cpuUsage()
let startedMs = 0
function begin() {
  cpu = process.cpuUsage()
  startedMs = performance.now()
}
function end(records) {
  const wallMs = performance.now() - startedMs
  const { user, system } = process.cpuUsage(cpu)
  process.stdout.write(`${JSON.stringify({ records, wallMs, cpuMs: (user + system) / 1000 })}\n`)
}

/** Sends `records` in calls of CALL_RECORDS, CALLS of them at a time. */
async function calls(records, send) {
  let left = records
  const lane = async () => {
    while (left > 0) {
      const size = Math.min(CALL_RECORDS, left)
      left -= size
      await send(size)
    }
  }
  await Promise.all(Array.from({ length: CALLS }, lane))
}

/** The measured part of a consumer begins with its first record. */
function counter() {
  let seen = 0
  let touched = 0
  return {
    /** True when all are there. */
    add(records, valueBytes) {
      if (seen < warmUp && seen + records >= warmUp) begin()
      seen += records
      touched += valueBytes
      if (seen < count) return false
      if (touched < count * bytes) throw new Error(`${touched} bytes of ${count} records`)
      end(count - warmUp)
      return true
    },
  }
}

const PRODUCE = {
  async klamm() {
    const { Klamm } = await import(pathToFileURL(klamm).href)
    const kafka = new Klamm({ brokers: broker })
    const producer = kafka.producer()
    const send = async (records) => {
      for (let index = 0; index < records; index++) if (!producer.post({ topic, value })) await producer.drained()
      await producer.flush()
    }
    return { send, close: () => kafka.close() }
  },
  async 'klamm send'() {
    const { Klamm } = await import(pathToFileURL(klamm).href)
    const kafka = new Klamm({ brokers: broker })
    const producer = kafka.producer()
    const send = (records) =>
      calls(records, (size) => Promise.all(Array.from({ length: size }, () => producer.send({ topic, value }))))
    return { send, close: () => kafka.close() }
  },
  async kafkajs() {
    const { Kafka, logLevel, Partitioners } = (await load('kafkajs')).default
    const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    const messages = Array.from({ length: CALL_RECORDS }, () => ({ value }))
    const send = (records) =>
      calls(records, (size) =>
        producer.send({ topic, messages: size === CALL_RECORDS ? messages : messages.slice(0, size) }),
      )
    return { send, close: () => producer.disconnect() }
  },
  async platformatic() {
    const { Producer } = await load('@platformatic/kafka')
    const producer = new Producer({ clientId: 'bench', bootstrapBrokers: [broker] })
    const messages = Array.from({ length: CALL_RECORDS }, () => ({ topic, value, partition: 0 }))
    const send = (records) =>
      calls(records, (size) =>
        producer.send({ acks: -1, messages: size === CALL_RECORDS ? messages : messages.slice(0, size) }),
      )
    return { send, close: () => producer.close() }
  },
  async rdkafka() {
    const { Producer } = (await load('node-rdkafka')).default
    const producer = new Producer({
      'bootstrap.servers': broker,
      dr_cb: true,
      acks: -1,
      'queue.buffering.max.messages': 500000,
    })
    await new Promise((resolve, reject) => producer.connect({}, (error) => (error ? reject(error) : resolve())))
    producer.setPollInterval(5)
    let outstanding = 0
    let wake = null
    producer.on('delivery-report', (error) => {
      if (error) throw error
      outstanding -= 1
      if (outstanding < 50_000 && wake !== null) {
        wake()
        wake = null
      }
    })
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    const send = async (records) => {
      for (let index = 0; index < records; index++) {
        if (outstanding >= 100_000) await new Promise((resolve) => (wake = resolve))
        producer.produce(topic, null, value, null)
        outstanding += 1
        if (index % 1000 === 999) await turn()
      }
      while (outstanding > 0) {
        producer.poll()
        await turn()
      }
    }
    return { send, close: () => new Promise((resolve) => producer.disconnect(resolve)) }
  },
}

const CONSUME = {
  async klamm() {
    const { Klamm } = await import(pathToFileURL(klamm).href)
    const kafka = new Klamm({ brokers: broker })
    const consumer = kafka.consumer({ groupId: `${topic}-klamm-${process.pid}`, offsetReset: 'earliest' })
    consumer.subscribe([topic])
    const counted = counter()
    for await (const batch of consumer) {
      let records = 0
      let size = 0
      batch.forEach((record) => {
        records += 1
        size += record.value.length
      })
      if (counted.add(records, size)) break
    }
    await kafka.close()
  },
  async kafkajs() {
    const { Kafka, logLevel } = (await load('kafkajs')).default
    const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: `${topic}-kafkajs-${process.pid}` })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const counted = counter()
    await new Promise((resolve) => {
      void consumer.run({
        eachBatch: async ({ batch }) => {
          let size = 0
          for (const message of batch.messages) size += message.value.length
          if (counted.add(batch.messages.length, size)) resolve()
        },
      })
    })
    await consumer.disconnect()
  },
  async platformatic() {
    const { Consumer } = await load('@platformatic/kafka')
    const consumer = new Consumer({
      clientId: 'bench',
      groupId: `${topic}-pl-${process.pid}`,
      bootstrapBrokers: [broker],
    })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true })
    const counted = counter()
    for await (const message of stream) if (counted.add(1, message.value.length)) break
    await consumer.close(true)
  },
  async rdkafka() {
    const { KafkaConsumer } = (await load('node-rdkafka')).default
    const consumer = new KafkaConsumer(
      { 'bootstrap.servers': broker, 'group.id': `${topic}-rd-${process.pid}` },
      { 'auto.offset.reset': 'earliest' },
    )
    await new Promise((resolve, reject) => consumer.connect({}, (error) => (error ? reject(error) : resolve())))
    consumer.subscribe([topic])
    const counted = counter()
    const take = () =>
      new Promise((resolve, reject) =>
        consumer.consume(CALL_RECORDS, (error, messages) => (error ? reject(error) : resolve(messages))),
      )
    for (;;) {
      const messages = await take()
      let size = 0
      for (const message of messages) size += message.value.length
      if (counted.add(messages.length, size)) break
    }
    await new Promise((resolve) => consumer.disconnect(resolve))
  },
}

if (kind === 'produce') {
  const { send, close } = await PRODUCE[client]()
  await send(warmUp)
  begin()
  await send(count)
  end(count)
  await close()
} else await CONSUME[client]()
process.exit(0)
