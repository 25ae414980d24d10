/**
 * Who votes in the metadata quorum (KIP-853), and the rules over a set of voters. With kraft.version 0 the ids come from
 * configuration and have no directory; with 1 the set lives in the log, and a voter is an id together with a directory.
 */
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'

export interface Voter {
  readonly id: number
  /** ZERO_UUID: not known (static voters). */
  readonly directoryId: Uuid
  readonly endpoints: readonly VoterEndpoint[]
  /** kraft.version levels that it can serve. */
  readonly kraftVersions: VersionRange
}

export interface VersionRange {
  readonly min: number
  readonly max: number
}

export interface VoterEndpoint {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** A node with one of its directories; ZERO_UUID: the directory isn't known. */
export interface ReplicaKey {
  readonly id: number
  readonly directoryId: Uuid
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** The voters in force and where they come from. */
export interface VoterSet {
  /** 0: static, 1: in the log. */
  readonly kraftVersion: number
  readonly voters: readonly Voter[]
}

/** What a control batch says about voters; null: nothing. */
export interface VoterChange {
  readonly kraftVersion: number | null
  readonly voters: readonly Voter[] | null
}

/** kraft.version levels that this node can serve. */
export const KRAFT_VERSIONS: VersionRange = { min: 0, max: 1 }
/** Of a static voter, which hasn't said yet what it serves. */
export const STATIC_KRAFT_VERSIONS: VersionRange = { min: 0, max: 0 }

export const NO_VOTERS: VoterSet = { kraftVersion: 0, voters: [] }

export function sameKey(left: ReplicaKey, right: ReplicaKey): boolean {
  return left.id === right.id && left.directoryId === right.directoryId
}

/** A voter without a directory is any directory of its id. */
export function isVoterKey(voter: ReplicaKey, key: ReplicaKey): boolean {
  return voter.id === key.id && (voter.directoryId === ZERO_UUID || voter.directoryId === key.directoryId)
}

export function voterOf(set: VoterSet, key: ReplicaKey): Voter | null {
  return set.voters.find((voter) => isVoterKey(voter, key)) ?? null
}

/** Where a voter's controllers listen; null if it names no such listener. */
export function endpointOf(endpoints: readonly VoterEndpoint[], listenerName: string): HostPort | null {
  const found = endpoints.find(({ name }) => name === listenerName)
  return found === undefined ? null : { host: found.host, port: found.port }
}

export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1
}

export function keyOf({ id, directoryId }: ReplicaKey): ReplicaKey {
  return { id, directoryId }
}

export function withVoter(set: VoterSet, voter: Voter): VoterSet {
  const others = set.voters.filter(({ id }) => id !== voter.id)
  return { ...set, voters: [...others, voter].sort((left, right) => left.id - right.id) }
}

/** Null if it isn't a voter, or the only one. */
export function withoutVoter(set: VoterSet, key: ReplicaKey): VoterSet | null {
  const voters = set.voters.filter((voter) => !sameKey(voter, key))
  return voters.length === set.voters.length || voters.length === 0 ? null : { ...set, voters }
}

export function servesLevel({ min, max }: VersionRange, level: number): boolean {
  return min <= level && max >= level
}

/** The set names other listeners or levels for a voter than it has; no listeners: it doesn't say which it has. */
export function isStale(voter: Voter, own: readonly VoterEndpoint[]): boolean {
  const { min, max } = voter.kraftVersions
  if (own.length === 0) return false
  return !sameEndpoints(voter.endpoints, own) || min !== KRAFT_VERSIONS.min || max !== KRAFT_VERSIONS.max
}

function sameEndpoints(left: readonly VoterEndpoint[], right: readonly VoterEndpoint[]): boolean {
  const text = (all: readonly VoterEndpoint[]): string =>
    all
      .map(({ name, host, port }) => `${name} ${host} ${port}`)
      .sort()
      .join()
  return text(left) === text(right)
}
