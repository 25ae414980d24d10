/**
 * OffsetCommit, OffsetFetch and OffsetDelete name topics by name or (v10) by id. Here they are found in the metadata
 * image, and answers get the form of their version; the deciders see names only.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import type { MetadataImage } from '../../metadata/image.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import type { Init } from '../../protocol/codec.ts'
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/generated/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/generated/offset-delete.ts'
import type { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/generated/offset-fetch.ts'
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../../protocol/generated/txn-offset-commit.ts'
import type { TopicToCommit } from './offset-commit.ts'
import { noOffset, type FetchedTopic, type OffsetsToFetch } from './offset-fetch.ts'
import { errno } from './requests.ts'

const UNKNOWN = 'UNKNOWN_TOPIC_OR_PARTITION'
export const TOPIC_IDS_FROM = 10
/** First version with several groups in one request. */
export const SEVERAL_GROUPS_FROM = 8
/** First version with an error for the whole group. */
const GROUP_ERROR_FROM = 2

export interface FoundTopics {
  readonly found: TopicToCommit[]
  /** Answers for those that don't exist. */
  readonly missing: Init<OffsetCommitResponse.OffsetCommitResponseTopic>[]
}

export function findTopicsToCommit(
  request: OffsetCommitRequest,
  apiVersion: number,
  image: MetadataImage | null,
): FoundTopics {
  const found: TopicToCommit[] = []
  const missing: Init<OffsetCommitResponse.OffsetCommitResponseTopic>[] = []
  for (const { name, topicId, partitions } of request.topics) {
    const byId = apiVersion >= TOPIC_IDS_FROM
    const topic = (byId ? image?.topics.byId(topicId) : image?.topics.byName(name)) ?? null
    if (topic === null) {
      missing.push({ name, topicId, partitions: refuse(partitions, byId ? 'UNKNOWN_TOPIC_ID' : UNKNOWN) })
      continue
    }
    const [here, gone] = splitPartitions(partitions, topic)
    if (here.length > 0) found.push({ topic: { name: topic.name, id: topic.id }, partitions: here })
    if (gone.length > 0) missing.push({ name: topic.name, topicId: topic.id, partitions: refuse(gone, UNKNOWN) })
  }
  return { found, missing }
}

/** The topics and partitions of a TxnOffsetCommit that exist, and answers for the others. */
export function findTopicsOfTxn(
  request: TxnOffsetCommitRequest,
  image: MetadataImage | null,
): {
  readonly found: TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic[]
  readonly missing: Init<TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic>[]
} {
  const found: TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic[] = []
  const missing: Init<TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic>[] = []
  for (const { name, partitions } of request.topics) {
    const topic = image?.topics.byName(name) ?? null
    const [here, gone] = splitPartitions(partitions, topic)
    if (here.length > 0) found.push({ name, partitions: here })
    // A topic that does not exist is named even without partitions, and once.
    if (gone.length > 0 || topic === null) missing.push({ name, partitions: refuse(gone, UNKNOWN) })
  }
  return { found, missing: mergeTopics([], missing) }
}

/** The topics and partitions of an OffsetDelete that exist, and answers for the others. */
export function findTopicsToDelete(
  request: OffsetDeleteRequest,
  image: MetadataImage | null,
): {
  readonly found: OffsetDeleteRequest.OffsetDeleteRequestTopic[]
  readonly missing: Init<OffsetDeleteResponse.OffsetDeleteResponseTopic>[]
} {
  const found: OffsetDeleteRequest.OffsetDeleteRequestTopic[] = []
  const missing: Init<OffsetDeleteResponse.OffsetDeleteResponseTopic>[] = []
  for (const { name, partitions } of request.topics) {
    const topic = image?.topics.byName(name) ?? null
    const [here, gone] = splitPartitions(partitions, topic)
    if (here.length > 0) found.push({ name, partitions: here })
    // A topic that does not exist is named even without partitions.
    if (gone.length > 0 || topic === null) missing.push({ name, partitions: refuse(gone, UNKNOWN) })
  }
  return { found, missing }
}

interface Numbered {
  readonly partitionIndex: number
}

function splitPartitions<Partition extends Numbered>(
  partitions: readonly Partition[],
  topic: TopicImage | null,
): [Partition[], Partition[]] {
  const here: Partition[] = []
  const gone: Partition[] = []
  for (const partition of partitions) {
    const exists = topic?.partitions[partition.partitionIndex] !== undefined
    ;(exists ? here : gone).push(partition)
  }
  return [here, gone]
}

function refuse(partitions: readonly Numbered[], code: ErrorCode): { partitionIndex: number; errorCode: number }[] {
  return partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: errno(code) }))
}

/** Answers for refused partitions first, those of the same topic together. */
export function mergeTopics<Topic extends { readonly name?: string; readonly partitions?: readonly unknown[] }>(
  refused: readonly Topic[],
  answered: readonly Topic[],
): Topic[] {
  const merged = [...refused]
  for (const topic of answered) {
    const at = merged.findIndex(({ name }) => name === topic.name)
    const before = merged[at]
    if (before === undefined) merged.push(topic)
    else merged[at] = { ...before, partitions: [...(before.partitions ?? []), ...(topic.partitions ?? [])] }
  }
  return merged
}

/** One error for every partition that was asked for. */
export function commitError(topics: readonly TopicToCommit[], code: ErrorCode): Init<OffsetCommitResponse> {
  return {
    topics: topics.map(({ topic, partitions }) => ({
      name: topic.name,
      topicId: topic.id,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: errno(code) })),
    })),
  }
}

/** The groups that a request of any version asks for, and the topics that it names but nobody knows. */
export interface GroupToFetch {
  readonly fetch: OffsetsToFetch
  readonly unknown: readonly OffsetFetchRequest.OffsetFetchRequestTopics[]
}

export function groupsToFetch(
  request: OffsetFetchRequest,
  apiVersion: number,
  image: MetadataImage | null,
): GroupToFetch[] {
  const { requireStable } = request
  if (apiVersion < SEVERAL_GROUPS_FROM) {
    const topics = request.topics?.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes })) ?? null
    const fetch = { groupId: request.groupId, memberId: null, memberEpoch: -1, topics, requireStable }
    return [{ fetch, unknown: [] }]
  }
  return request.groups.map(({ groupId, memberId, memberEpoch, topics }) => {
    const unknown: OffsetFetchRequest.OffsetFetchRequestTopics[] = []
    const named = topics?.flatMap((topic) => {
      const byId = apiVersion >= TOPIC_IDS_FROM
      const name = byId ? (image?.topics.byId(topic.topicId)?.name ?? null) : topic.name
      if (name !== null) return [{ name, partitions: topic.partitionIndexes }]
      unknown.push(topic)
      return []
    })
    return { fetch: { groupId, memberId, memberEpoch, topics: named ?? null, requireStable }, unknown }
  })
}

export interface FetchedGroup {
  readonly error: ErrorCode | null
  readonly topics: readonly FetchedTopic[]
}

/** The answer for one group in v0-7, which knew one group only. */
export function toSingleGroup(
  { error, topics }: FetchedGroup,
  asked: OffsetsToFetch,
  apiVersion: number,
): Init<OffsetFetchResponse> {
  if (error === null) return { topics }
  const errorCode = errno(error)
  if (apiVersion >= GROUP_ERROR_FROM) return { errorCode }
  return {
    topics: (asked.topics ?? []).map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => noOffset(partition, errorCode)),
    })),
  }
}

/** The answer for one group in v8+. */
export function toGroup(
  { error, topics }: FetchedGroup,
  { fetch, unknown }: GroupToFetch,
  apiVersion: number,
  image: MetadataImage | null,
): Init<OffsetFetchResponse.OffsetFetchResponseGroup> {
  const { groupId } = fetch
  if (error !== null) return { groupId, errorCode: errno(error) }
  if (apiVersion < TOPIC_IDS_FROM) return { groupId, topics }
  const errorCode = errno('UNKNOWN_TOPIC_ID')
  return {
    groupId,
    topics: [
      // What was committed for a topic that is gone has no id to be named by.
      ...topics.flatMap(({ name, partitions }) => {
        const topicId = image?.topics.byName(name)?.id ?? ZERO_UUID
        return topicId === ZERO_UUID ? [] : [{ topicId, partitions }]
      }),
      ...unknown.map(({ topicId, partitionIndexes }) => ({
        topicId,
        partitions: partitionIndexes.map((partition) => noOffset(partition, errorCode)),
      })),
    ],
  }
}
