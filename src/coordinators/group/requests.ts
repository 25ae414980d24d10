/** What deciders of the group coordinator share: who asks, what they may look at besides the state, and their types. */
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import type { Logger } from '../../base/logger.ts'
import type { Uuid } from '../../base/uuid.ts'
import type { Random } from '../../world/world.ts'
import { Decision, type Decider } from '../runtime/decision.ts'
import type { GroupConfigSource } from './group-config.ts'
import type { GroupRecord } from './group-records.ts'
import type { GroupState } from './group-state.ts'

/** Who asks, and in which version: several answers depend on it. */
export interface GroupRequestContext {
  readonly apiVersion: number
  /** Null counts as empty, as in Kafka. */
  readonly clientId: string | null
  /** The peer's address without port, e.g. `127.0.0.1`; stored as Kafka prints it, `/127.0.0.1`. */
  readonly clientAddress: string
}

/** Besides state, request and time nothing else decides. */
export interface GroupEnvironment {
  readonly random: Random
  readonly logger: Logger
  readonly config: GroupConfigSource
}

export type GroupDecision = Decision<GroupState, GroupRecord>
export type GroupDecider = Decider<GroupState, GroupRecord>

export function decision(): GroupDecision {
  return new Decision<GroupState, GroupRecord>()
}

export const errno = (code: ErrorCode): number => ERROR_CODES[code]

/** A random version 4 UUID in the text form of java.util.UUID, as member ids end with. */
export function javaUuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** A topic of a request, found by name or by id. */
export interface TopicRef {
  readonly name: string
  readonly id: Uuid
}
