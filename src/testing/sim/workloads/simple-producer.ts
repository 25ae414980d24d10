/**
 * A producer without idempotence, of any age from 0.8 on: acks=0, 1 or all, message formats 0 to 2, never a retry. So each
 * of its values stands in the log at most once, too.
 */
import { errorName } from '../../../base/error-codes.ts'
import { Produce, type ProduceRequest } from '../../../protocol/generated/produce.ts'
import { buildBatch } from '../../../records/batch-builder.ts'
import { buildMessageSet } from '../../../records/message-builder.ts'
import type { Init } from '../../../protocol/codec.ts'
import { valueOf, type KnownRecord } from '../log-truth.ts'
import type { Sim } from '../sim.ts'
import { SimClient, Unanswered } from '../sim-client.ts'
import { machineFor, timeoutFor, type Workload } from '../workload.ts'

const RETRIABLE = new Set([
  'KAFKA_STORAGE_ERROR',
  'NOT_LEADER_OR_FOLLOWER',
  'REQUEST_TIMED_OUT',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
])

export const simpleProducer: Workload = {
  name: 'simple',
  async run(sim: Sim, who, random) {
    const client = new SimClient(sim, machineFor(random), who, timeoutFor(random))
    const version = random.between(0, 13)
    const acks = [0, 1, 1, -1][random.below(4)] ?? 1
    const codec = random.chance(0.7) ? 'none' : 'gzip'
    const pauseMs = [20, 200, 1000][random.below(3)] ?? 200
    let values = 0
    while (!sim.stopping) {
      await sim.sleep(random.between(1, pauseMs))
      const partition = random.shuffle(sim.logs.all())[0]
      if (partition === undefined) continue
      const { topic, index } = partition
      const wallMs = sim.world.clock.wallMs()
      const known: KnownRecord[] = Array.from({ length: random.between(1, 3) }, () => ({
        value: valueOf(who, partition, values++),
        timestamp: version < 2 ? -1 : wallMs,
      }))
      const padding = ' '.padEnd(random.between(1, 300), 'y')
      const inits = known.map(({ value, timestamp }) => ({ value: Buffer.from(value + padding), timestamp }))
      const records =
        version < 3
          ? buildMessageSet({ magic: version < 2 ? 0 : 1, records: inits, codec })
          : buildBatch({ records: inits, codec })
      if (version < 3) sim.sometimes('old producer')
      const message: Init<ProduceRequest> = {
        acks,
        timeoutMs: 5000,
        topicData: [{ name: topic.name, topicId: topic.id, partitionData: [{ index, records }] }],
      }
      try {
        if (acks === 0) {
          await client.post(Produce, version, message)
          sim.sometimes('acks=0')
          continue
        }
        const { responses } = await client.request(Produce, version, message)
        const answer = responses[0]?.partitionResponses[0]
        sim.check(answer !== undefined, () => `${who}: an answer without ${partition.name}`)
        const error = errorName(answer.errorCode)
        if (answer.errorCode !== 0) {
          sim.note(who, `${partition.name}: ${error}`)
          sim.check(RETRIABLE.has(error ?? ''), () => `${who}: ${partition.name} answers ${error} to good records`)
          continue
        }
        const stamped =
          topic.logAppendTime || version < 2 ? known.map(({ value }) => ({ value, timestamp: -1 })) : known
        sim.logs.acknowledge(partition, Number(answer.baseOffset), stamped, `the answer to ${who}`)
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
      }
    }
    client.close()
  },
}
