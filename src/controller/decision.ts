/**
 * The shape of every decision: a pure function of the appended state (all that was written, committed or not) and a
 * request gives records and an answer, and changes nothing. The runtime (controller.ts) appends, replays at once and
 * answers after the commit.
 */
import { ERROR_CODES, type ErrorCode } from '../base/error-codes.ts'
import { KafkaError } from '../base/errors.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import type { Random } from '../world/world.ts'
import type { ConfigRules } from './config-rules.ts'
import type { BrokerSessions } from './broker-sessions.ts'
import type { PartitionIndex } from './partition-index.ts'

export interface Decision<Answer> {
  readonly records: readonly MetadataRecord[]
  readonly answer: Answer
  /** False: the records may be written in several batches (each leaves a valid state). */
  readonly atomic?: boolean
}

export interface ControllerSettings {
  readonly clusterId: string
  /** Of controller.quorum.voters. */
  readonly staticVoterIds: readonly number[]
  /** num.partitions */
  readonly defaultPartitions: number
  /** default.replication.factor */
  readonly defaultReplicationFactor: number
  /** delete.topic.enable */
  readonly deleteTopicEnable: boolean
  /** broker.session.timeout.ms */
  readonly brokerSessionTimeoutMs: number
  /** metadata.max.idle.interval.ms; 0: no NoOp records. */
  readonly maxIdleIntervalMs: number
  /** leader.imbalance.check.interval.seconds; 0: no elections of preferred leaders (auto.leader.rebalance.enable=false). */
  readonly imbalanceCheckIntervalMs: number
  /** unclean.leader.election.interval.ms */
  readonly uncleanElectionIntervalMs: number
}

/** What a decider sees. */
export interface ControllerState {
  /** With everything that was appended. */
  readonly image: MetadataImage
  /** Of the image's topics. */
  readonly partitions: PartitionIndex
  /** Offset that the first record of the decision gets. */
  readonly nextOffset: number
  /** Monotonic. */
  readonly nowMs: number
  readonly nodeId: number
  readonly random: Random
  readonly settings: ControllerSettings
  readonly rules: ConfigRules
  /** Soft state: who has been heard of. */
  readonly sessions: BrokerSessions
}

/** A request may carry at most this many new partitions, and an atomic decision this many records. */
export const RECORDS_MAX = 10_000

export const noRecords = <Answer>(answer: Answer): Decision<Answer> => ({ records: [], answer })

export interface ErrorFields {
  readonly errorCode: number
  readonly errorMessage: string | null
}

export const NO_ERROR: ErrorFields = { errorCode: 0, errorMessage: null }

export const errorFields = (code: ErrorCode, detail: string | null): ErrorFields => {
  return { errorCode: ERROR_CODES[code], errorMessage: detail === '' ? null : detail }
}

/** Runs one part of a request; a KafkaError becomes that part's answer. */
export function attempt<Result>(part: () => Result): Result | KafkaError {
  try {
    return part()
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
}
