/**
 * Asking leaders for offsets: ListOffsets by time or end, and OffsetForLeaderEpoch for where an epoch ended (KIP-320).
 *
 * `askOffsets` and `askEpochs` make one attempt each and give every partition an outcome of its own: an offset, or an error as
 * a value. `listOffsets` tries again until each partition has one, as the public calls need it.
 */
import { KafkaError, OperationalError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { OffsetForLeaderEpoch } from '../../protocol/generated/offset-for-leader-epoch.ts'
import { retrying, type CallOptions } from '../call.ts'
import { errorOf, isRetriable } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { timestampOf, type OffsetSpec } from './offset-spec.ts'
import { byTopic, keyOf, type TopicPartition } from './topic-partition.ts'

export interface FoundOffset {
  readonly offset: number
  /** Of the record at the offset; -1 for an end. */
  readonly timestampMs: number
  /** -1 where the broker doesn't tell. */
  readonly leaderEpoch: number
}

/** Null: no record is so late. */
export type OffsetOutcome = FoundOffset | null | KafkaError | OperationalError

export interface OffsetQuestion extends TopicPartition {
  readonly spec: OffsetSpec
}

/** By key; every question has an outcome. Never rejects. */
export async function askOffsets(
  network: NetworkClient,
  questions: readonly OffsetQuestion[],
  isReadCommitted: boolean,
): Promise<Map<string, OffsetOutcome>> {
  return askLeaders(network, questions, async (leader, asked, outcomes) => {
    const connection = await network.connection(leader)
    const version = connection.versions.choose(ListOffsets)
    const topics = [...byTopic(asked)].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition, spec }) => ({
        partitionIndex: partition,
        currentLeaderEpoch: network.metadata.partition(name, partition)?.leaderEpoch ?? -1,
        timestamp: timestampOf(spec),
        maxNumOffsets: 1,
      })),
    }))
    const message = {
      replicaId: -1,
      isolationLevel: isReadCommitted && version >= 2 ? 1 : 0,
      topics,
      timeoutMs: network.options.requestTimeoutMs,
    }
    const answer = await network.request(leader, ListOffsets, message, { versions: { max: version } })
    for (const topic of answer.topics) {
      for (const part of topic.partitions) {
        const key = keyOf({ topic: topic.name, partition: part.partitionIndex })
        const error = errorOf(part.errorCode, `Offsets of ${key} cannot be told.`)
        const offset = clampInt64((version === 0 ? part.oldStyleOffsets[0] : part.offset) ?? -1)
        const found = { offset, timestampMs: clampInt64(part.timestamp), leaderEpoch: part.leaderEpoch }
        outcomes.set(key, error ?? (offset < 0 ? null : found))
      }
    }
  })
}

export interface EpochQuestion extends TopicPartition {
  readonly leaderEpoch: number
  readonly currentLeaderEpoch: number
}

/** Where the epoch ended on the leader; its offset is -1 where the leader knows no such epoch. */
export type EpochOutcome = { readonly endOffset: number; readonly leaderEpoch: number } | KafkaError | OperationalError

/** Brokers that answer in versions before this one let only other brokers ask. */
const EPOCH_VERSION_MIN = 3

/** By key; every question has an outcome. Never rejects. UNSUPPORTED_VERSION where the broker is too old to ask. */
export async function askEpochs(
  network: NetworkClient,
  questions: readonly EpochQuestion[],
): Promise<Map<string, EpochOutcome>> {
  return askLeaders(network, questions, async (leader, asked, outcomes) => {
    const topics = [...byTopic(asked)].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => ({
        partition,
        currentLeaderEpoch,
        leaderEpoch,
      })),
    }))
    const options = { versions: { min: EPOCH_VERSION_MIN } }
    const answer = await network.request(leader, OffsetForLeaderEpoch, { replicaId: -1, topics }, options)
    for (const topic of answer.topics) {
      for (const part of topic.partitions) {
        const key = keyOf({ topic: topic.topic, partition: part.partition })
        const error = errorOf(part.errorCode, `Epochs of ${key} cannot be told.`)
        outcomes.set(key, error ?? { endOffset: clampInt64(part.endOffset), leaderEpoch: part.leaderEpoch })
      }
    }
  })
}

async function askLeaders<Question extends TopicPartition, Outcome>(
  network: NetworkClient,
  questions: readonly Question[],
  ask: (
    leader: number,
    asked: readonly Question[],
    outcomes: Map<string, Outcome | KafkaError | OperationalError>,
  ) => Promise<void>,
): Promise<Map<string, Outcome | KafkaError | OperationalError>> {
  const outcomes = new Map<string, Outcome | KafkaError | OperationalError>()
  const byLeader = new Map<number, Question[]>()
  for (const question of questions) {
    const leader = network.metadata.leader(question.topic, question.partition)
    if (leader === null) {
      const code = network.metadata.errorOf(question.topic) ?? 'LEADER_NOT_AVAILABLE'
      outcomes.set(keyOf(question), new KafkaError(code, `Nobody leads ${keyOf(question)} just now: ${code}.`))
      network.refreshSoon()
      continue
    }
    const asked = byLeader.get(leader.id)
    if (asked === undefined) byLeader.set(leader.id, [question])
    else asked.push(question)
  }
  const work = [...byLeader].map(async ([leader, asked]) => {
    try {
      await ask(leader, asked, outcomes)
    } catch (error) {
      if (!(error instanceof KafkaError) && !(error instanceof OperationalError)) throw error
      for (const question of asked) outcomes.set(keyOf(question), error)
    }
    for (const question of asked) {
      const key = keyOf(question)
      const outcome = outcomes.get(key)
      if (outcome === undefined) {
        outcomes.set(key, new KafkaError('UNKNOWN_SERVER_ERROR', `The broker's answer leaves out ${key}.`))
      } else if (outcome instanceof KafkaError && isRetriable(outcome)) network.refreshSoon()
    }
  })
  await Promise.all(work)
  return outcomes
}

/**
 * Every partition's offset, null where no record is so late. Tries again what may pass.
 * Rejects with ClientError TIMED_OUT, or the KafkaError of the first partition that fails for good.
 */
export async function listOffsets(
  network: NetworkClient,
  questions: readonly OffsetQuestion[],
  isReadCommitted: boolean,
  call: CallOptions,
): Promise<Map<string, FoundOffset | null>> {
  const found = new Map<string, FoundOffset | null>()
  let left = questions
  if (left.length === 0) return found
  return retrying(network.retries, 'Asking for offsets', call, async () => {
    if (left.some(({ topic }) => network.metadata.topic(topic) === null)) await network.refresh()
    const outcomes = await askOffsets(network, left, isReadCommitted)
    let failure: Error | null = null
    for (const [key, outcome] of outcomes) {
      if (outcome instanceof Error) {
        if (failure === null || isRetriable(failure)) failure = outcome
      } else found.set(key, outcome)
    }
    left = left.filter((question) => !found.has(keyOf(question)))
    if (failure !== null) {
      if (isRetriable(failure)) await network.refresh()
      throw failure
    }
    return found
  })
}
