/**
 * Programs that write in transactions: records to several partitions and offsets of a group, committed or given up, by producers
 * that fence each other; and a program that reads only what is committed.
 */
import { isFatal } from '../../client/errors.ts'
import type { Producer } from '../../client/producer/producer.ts'
import type { Bytes } from '../../client/producer/producer-record.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { clientOf, expectedError } from './clients.ts'
import type { ClusterSim } from './cluster-sim.ts'
import type { SentTransaction } from './transaction-truth.ts'

const CALL = { timeoutMs: 10_000 }

/** Of the offsets that a transactional producer commits. */
export function groupOf(producer: string): string {
  return `group-${producer}`
}

/** One transactional id, and the producers that have it one after the other. */
class Transactions {
  readonly #sim: ClusterSim
  readonly #who: string
  readonly #random: SeededRandom
  readonly #make: () => Producer<Bytes, Bytes>
  #producer: Producer<Bytes, Bytes>
  #number = 0
  #incarnation = 0

  constructor(sim: ClusterSim, who: string, random: SeededRandom, make: () => Producer<Bytes, Bytes>) {
    this.#sim = sim
    this.#who = who
    this.#random = random
    this.#make = make
    this.#producer = make()
  }

  async run(): Promise<void> {
    const sim = this.#sim
    const random = this.#random
    while (!sim.stopping) {
      const transaction = await this.#begin()
      if (transaction === null) continue
      await this.#fill(transaction)
      const choice = random.below(20)
      if (choice === 0) await this.#fence(transaction)
      else if (choice === 1) await this.#leave(transaction)
      else if (choice < 5) await this.#abort(transaction)
      else await this.#commit(transaction)
      await sim.sleep(random.below(300))
    }
    await this.#producer.close(CALL).catch((error: unknown) => expectedError(sim, error))
  }

  /** Null: not now. */
  async #begin(): Promise<SentTransaction | null> {
    try {
      await this.#producer.beginTransaction(CALL)
      return this.#sim.transactions.begin(this.#who)
    } catch (error) {
      const code = expectedError(this.#sim, error)
      this.#sim.note(this.#who, `no transaction: ${code}`)
      if (code !== 'TIMED_OUT') await this.#anew()
      return null
    }
  }

  async #fill(transaction: SentTransaction): Promise<void> {
    const sim = this.#sim
    const random = this.#random
    for (let left = random.between(1, 5); left > 0; left--) void this.#send(this.#producer, transaction)
    if (random.chance(0.3)) {
      try {
        const offset = this.#number
        transaction.offset = offset
        const group = { groupId: groupOf(this.#who), generationId: -1, memberId: '', groupInstanceId: null }
        await this.#producer.sendOffsets([{ topic: sim.settings.topics[0]!.name, partition: 0, offset }], group, CALL)
      } catch (error) {
        // Such a transaction can only be given up.
        sim.note(this.#who, `offsets of ${transaction.name}: ${expectedError(sim, error)}`)
      }
    }
    if (random.chance(0.3)) await sim.sleep(random.below(random.chance(0.1) ? 8000 : 500))
  }

  /** Whether it was acknowledged. */
  async #send(producer: Producer<Bytes, Bytes>, transaction: SentTransaction): Promise<boolean> {
    const sim = this.#sim
    const { topics } = sim.settings
    const topic = topics[this.#random.below(topics.length)]!
    const partition = this.#random.below(topic.partitions)
    const value = `${this.#who}.${this.#incarnation}:${this.#number++}`
    sim.transactions.add(transaction, value)
    try {
      const { offset } = await producer.send({ topic: topic.name, partition, value })
      if (offset >= 0) sim.records.acknowledged(topic.name, partition, offset, value)
      return true
    } catch (error) {
      sim.note(this.#who, `${value} for ${topic.name}-${partition}: ${expectedError(sim, error)}`)
      return false
    }
  }

  async #commit(transaction: SentTransaction): Promise<void> {
    const sim = this.#sim
    transaction.fate = 'ending'
    for (;;) {
      try {
        await this.#producer.commitTransaction(CALL)
        transaction.fate = 'committed'
        sim.sometimes('transaction committed')
        return
      } catch (error) {
        const code = expectedError(sim, error)
        sim.note(this.#who, `commit of ${transaction.name}: ${code}`)
        // It goes on; asking again tells what it came to.
        if (code === 'TIMED_OUT') continue
        if (isFatal(error) || !(await this.#isAborted())) {
          transaction.fate = 'unknown'
          sim.sometimes('transaction of unknown fate')
          await this.#anew()
        } else transaction.fate = 'aborted'
        return
      }
    }
  }

  async #abort(transaction: SentTransaction): Promise<void> {
    transaction.fate = 'aborted'
    if (await this.#isAborted()) this.#sim.sometimes('transaction aborted')
    else await this.#anew()
  }

  async #isAborted(): Promise<boolean> {
    for (;;) {
      try {
        await this.#producer.abortTransaction(CALL)
        return true
      } catch (error) {
        const code = expectedError(this.#sim, error)
        this.#sim.note(this.#who, `abort: ${code}`)
        if (code !== 'TIMED_OUT') return false
      }
    }
  }

  /** Another producer takes the id over: what the first has under way never commits, and nothing more of it counts. */
  async #fence(transaction: SentTransaction): Promise<void> {
    const sim: ClusterSim = this.#sim
    const former = this.#producer
    this.#producer = this.#make()
    transaction.fate = 'aborted'
    let isFenced = false
    try {
      await this.#producer.initTransactions(CALL)
      isFenced = true
    } catch (error) {
      sim.note(this.#who, `fencing: ${expectedError(sim, error)}`)
    }
    if (isFenced) {
      sim.sometimes('producer fenced')
      const isSent = await this.#send(former, transaction)
      sim.check(!isSent, () => `a record of ${this.#who} was acknowledged after its producer was fenced`)
      const isCommitted = await former.commitTransaction(CALL).then(
        () => true,
        (error: unknown) => expectedError(sim, error) === '',
      )
      sim.check(!isCommitted, () => `${transaction.name} was committed after its producer was fenced`)
    }
    this.#incarnation += 1
    await former.close({ timeoutMs: 0 }).catch((error: unknown) => expectedError(sim, error))
  }

  /** The program dies within a transaction: the coordinator must end it. */
  async #leave(transaction: SentTransaction): Promise<void> {
    transaction.fate = 'aborted'
    this.#sim.sometimes('transaction abandoned')
    await this.#anew()
  }

  async #anew(): Promise<void> {
    const former = this.#producer
    this.#producer = this.#make()
    this.#incarnation += 1
    await former.close({ timeoutMs: 0 }).catch((error: unknown) => expectedError(this.#sim, error))
  }
}

export async function writeTransactions(sim: ClusterSim, who: string, random: SeededRandom): Promise<void> {
  const kafka = clientOf(sim, `client-${who}`)
  const transactionTimeoutMs = random.between(2000, 10_000)
  await new Transactions(sim, who, random, () =>
    kafka.producer({ transactionalId: who, transactionTimeoutMs, lingerMs: random.below(10), maxBlockMs: 10_000 }),
  ).run()
  await kafka.close()
}

/** Reads what is committed of all partitions, each record once, until the run ends. */
export async function readCommitted(sim: ClusterSim): Promise<void> {
  const kafka = clientOf(sim, 'client-committed')
  const consumer = kafka.consumer({ isolationLevel: 'read_committed', offsetReset: 'earliest', fetchMaxWaitMs: 200 })
  consumer.assign(sim.partitions)
  consumer.seekToBeginning()
  while (!sim.stopping) {
    try {
      const batch = await consumer.poll({ timeoutMs: 500 })
      if (batch === null) continue
      for (const { topic, partition, offset, value } of batch) {
        const text = value?.toString().trimEnd() ?? ''
        sim.records.observe(topic, partition, offset, text, 'a reader of what is committed')
        sim.transactions.sees(text, `${topic}-${partition} ${offset}`)
      }
    } catch (error) {
      sim.note('committed', expectedError(sim, error))
      await sim.sleep(200)
    }
  }
  await kafka.close()
}
