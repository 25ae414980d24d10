/**
 * Clients that a coordinator serves while it moves: members of classic groups that commit what they read, and transactions that stay
 * open; of Java and of Klamm, each with the same questions.
 */
import { join } from 'node:path'
import { javaCommand } from '../lib/java.mjs'
import { start } from '../lib/process.mjs'

/** By Coordinated.java. */
export class JavaClients {
  group = 'java-moved'
  #process
  #waiting = []

  constructor(suite, classPath, brokers, input, output) {
    const args = javaCommand(classPath, 'Coordinated', [brokers, input, output], ['-Xmx192m'])
    this.#process = start('java', args, {
      logFile: join(suite.directory, 'coordinated.log'),
      onLine: (line) => this.#waiting.shift()?.(line),
    })
  }

  async begin(id, value, timeoutMs = 60_000) {
    await this.#ask(`begin ${id} ${timeoutMs} ${value}`)
  }

  async commit(id) {
    await this.#ask(`commit ${id}`)
  }

  async abort(id) {
    await this.#ask(`abort ${id}`)
  }

  /** Generation and member. */
  member() {
    return this.#ask('group')
  }

  close() {
    return this.#process.stop('SIGKILL')
  }

  async #ask(line) {
    const answer = new Promise((resolve) => this.#waiting.push(resolve))
    this.#process.stdin.write(`${line}\n`)
    const said = await answer
    if (said.startsWith('failed')) throw new Error(`${line}: ${said}`)
    return said
  }
}

/** By Klamm's client. */
export class KlammClients {
  group = 'klamm-moved'
  #kafka
  #output
  #consumer
  #reading
  #isClosed = false
  #producers = new Map()
  #open = new Map()

  constructor(kafka, input, output) {
    this.#kafka = kafka
    this.#output = output
    const settings = { groupId: this.group, groupProtocol: 'classic', offsetReset: 'earliest', autoCommit: false }
    this.#consumer = kafka.consumer(settings)
    this.#consumer.subscribe([input])
    this.#reading = this.#read()
  }

  async #read() {
    while (!this.#isClosed) {
      const batch = await this.#consumer.poll({ timeoutMs: 200 })
      if (batch !== null) await batch.commit()
    }
  }

  async begin(id, value, transactionTimeoutMs = 60_000) {
    let producer = this.#producers.get(id)
    if (producer === undefined) {
      producer = this.#kafka.producer({ transactionalId: id, transactionTimeoutMs, lingerMs: 0 })
      this.#producers.set(id, producer)
    }
    await new Promise((sent, failed) => {
      const ended = producer.transaction(async (transaction) => {
        await transaction.send({ topic: this.#output, partition: 0, value })
        const end = new Promise((commit, abort) => this.#open.set(id, { commit, abort, ended: () => ended }))
        sent()
        await end
      })
      ended.catch(failed)
    })
  }

  async commit(id) {
    const { commit, ended } = this.#open.get(id)
    commit()
    await ended()
  }

  async abort(id) {
    const { abort, ended } = this.#open.get(id)
    abort(new Error('no'))
    await ended().catch((error) => {
      if (error.message !== 'no') throw error
    })
  }

  async member() {
    const { generationId, memberId } = this.#consumer.groupMetadata()
    return `${generationId} ${memberId}`
  }

  async close() {
    this.#isClosed = true
    await this.#reading
    await this.#consumer.close()
    for (const producer of this.#producers.values()) await producer.close({ timeoutMs: 1000 }).catch(() => {})
  }
}
