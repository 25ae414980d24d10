/** Who votes in the metadata quorum (KIP-853). With kraft.version 0 the ids come from configuration and have no directory. */
import type { Uuid } from '../base/uuid.ts'

export interface Voter {
  readonly id: number
  /** ZERO_UUID: not known (static voters). */
  readonly directoryId: Uuid
  readonly endpoints: readonly VoterEndpoint[]
}

export interface VoterEndpoint {
  readonly name: string
  readonly host: string
  readonly port: number
}
