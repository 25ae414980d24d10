/** What all kinds of groups share: their types and states as Kafka prints them, and errors of a coordinator that pass. */
import type { ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'

export type GroupType = 'Unknown' | 'Consumer' | 'Classic' | 'Share' | 'Streams'
export type GroupState =
  | 'Unknown'
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Stable'
  | 'Dead'
  | 'Empty'
  | 'Assigning'
  | 'Reconciling'
  | 'NotReady'

const TYPES: readonly GroupType[] = ['Consumer', 'Classic', 'Share', 'Streams']
const STATES: readonly GroupState[] = [
  'PreparingRebalance',
  'CompletingRebalance',
  'Stable',
  'Dead',
  'Empty',
  'Assigning',
  'Reconciling',
  'NotReady',
]

export function groupType(text: string): GroupType {
  return TYPES.find((type) => type.toLowerCase() === text.toLowerCase()) ?? 'Unknown'
}

export function groupState(text: string): GroupState {
  return STATES.find((state) => state.toLowerCase() === text.toLowerCase()) ?? 'Unknown'
}

const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
])

/** The coordinator is elsewhere, or will be there soon. */
export function isCoordinatorPassing(error: Error): boolean {
  return error instanceof KafkaError && PASSING.has(error.code)
}

/** The same, and a rebalance that will be over: what was asked about offsets is asked again. */
export function isOffsetsPassing(error: Error): boolean {
  return isCoordinatorPassing(error) || (error instanceof KafkaError && error.code === 'REBALANCE_IN_PROGRESS')
}
