/**
 * Which versions of each API a broker serves, and the one to speak with it: the highest that both know.
 *
 * Learned by ApiVersions when a connection is made (KIP-35), so from Apache Kafka 0.10 on. The finalised features that
 * the same answer carries (KIP-584) are kept beside them.
 */
import { KafkaError } from '../base/errors.ts'
import type { AnyApi } from '../protocol/codec.ts'
import type { ApiVersionsResponse } from '../protocol/generated/api-versions.ts'

const METADATA_KEY = 3
const VOTE_KEY = 52

export interface VersionRange {
  readonly min: number
  readonly max: number
}

export class ApiVersionTable {
  readonly #ranges: ReadonlyMap<number, VersionRange>
  /** Levels that are in force in the cluster, by feature; empty where the broker does not tell. */
  readonly features: ReadonlyMap<string, number>
  /** Levels that the broker could serve, by feature. */
  readonly supportedFeatures: ReadonlyMap<string, VersionRange>

  constructor({ apiKeys, finalizedFeatures, supportedFeatures }: Partial<ApiVersionsResponse>) {
    this.#ranges = new Map(
      apiKeys?.map(({ apiKey, minVersion, maxVersion }) => [apiKey, range(minVersion, maxVersion)]),
    )
    this.features = new Map(finalizedFeatures?.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
    this.supportedFeatures = new Map(
      supportedFeatures?.map(({ name, minVersion, maxVersion }) => [name, range(minVersion, maxVersion)]),
    )
  }

  /** Null where the broker has no such API. */
  rangeOf(apiKey: number): VersionRange | null {
    return this.#ranges.get(apiKey) ?? null
  }

  /** What the broker told, in the order of API keys. */
  get ranges(): readonly (readonly [apiKey: number, range: VersionRange])[] {
    return [...this.#ranges].toSorted(([one], [other]) => one - other)
  }

  /** All brokers tell metadata, and only voters vote. */
  get #isController(): boolean {
    return this.rangeOf(METADATA_KEY) === null && this.rangeOf(VOTE_KEY) !== null
  }

  /** The highest version within `limits` that both sides know; null if there is none. */
  find(api: AnyApi, limits: Partial<VersionRange> = {}): number | null {
    const theirs = this.rangeOf(api.key)
    if (theirs === null) return null
    const max = Math.min(theirs.max, api.request.highestVersion, limits.max ?? Infinity)
    const min = Math.max(theirs.min, api.request.lowestVersion, limits.min ?? 0)
    return max < min ? null : max
  }

  /** @throws KafkaError UNSUPPORTED_VERSION. */
  choose(api: AnyApi, limits: Partial<VersionRange> = {}): number {
    const version = this.find(api, limits)
    if (version !== null) return version
    const theirs = this.rangeOf(api.key)
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      theirs === null
        ? this.#isController
          ? `The node is a controller and does not serve ${api.name}: name a broker, or this one as bootstrap controller.`
          : `The broker does not support ${api.name}.`
        : `The broker supports ${api.name} in versions ${theirs.min} to ${theirs.max}, and this takes ${limitsOf(api, limits)}.`,
    )
  }
}

function range(min: number, max: number): VersionRange {
  return { min, max }
}

function limitsOf(api: AnyApi, limits: Partial<VersionRange>): string {
  const min = Math.max(api.request.lowestVersion, limits.min ?? 0)
  const max = Math.min(api.request.highestVersion, limits.max ?? Infinity)
  return min === max ? `version ${min}` : `one of ${min} to ${max}`
}
