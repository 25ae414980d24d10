/**
 * What the leader of a classic group needs to share out partitions, as Java's ConsumerPartitionAssignor has it: give one of
 * your own to `assignors`, or name one of Kafka's four. Members whose assignors have the same name must agree on what it does.
 */
import type { TopicPartition } from '../../topic-partition.ts'

export interface AssignablePartition extends TopicPartition {
  /** Racks of its replicas; null where one is unknown. */
  readonly racks: readonly (string | null)[]
}

export interface MemberSubscription {
  readonly topics: readonly string[]
  readonly userData: Buffer | null
  readonly ownedPartitions: readonly TopicPartition[]
  /** Of the generation in which they were owned; -1: unknown. */
  readonly generationId: number
  readonly groupInstanceId: string | null
  readonly rackId: string | null
}

export interface MemberAssignment {
  readonly partitions: readonly TopicPartition[]
  readonly userData?: Buffer | null
}

/** By topic, in the order of partitions; topics that do not exist are left out. */
export type AssignableTopics = ReadonlyMap<string, readonly AssignablePartition[]>

export type Subscriptions = ReadonlyMap<string, MemberSubscription>

export type Assignments = ReadonlyMap<string, MemberAssignment>

export interface PartitionAssignor {
  /** Under which members agree on it. */
  readonly name: string
  /** Members keep what they do not have to give away (KIP-429). All assignors of a consumer must, for it to be done. */
  readonly isCooperative: boolean
  /** What goes with the subscription, for the leader's assignor. */
  userData?(topics: readonly string[]): Buffer | null
  /** By member id; who is left out gets nothing. The group waits for it. */
  assign(topics: AssignableTopics, members: Subscriptions): Assignments | Promise<Assignments>
  /** What this member got in `generationId`. */
  assigned?(assignment: MemberAssignment, generationId: number): void
}
