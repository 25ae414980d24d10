/** A scenario: some dozens of steps on names of its own, from one seed, so that it can be run again alone. */
import { Choices } from './random.ts'
import { Generator, GROUPS, type RequestStep, type Step, type VersionRange } from './generator.ts'
import type { Value, ValueObject } from './values.ts'

/** Steps of scenario n are numbered n × this and up. */
export const STEP_NUMBERS = 100
const STEPS = 45

export interface Scenario {
  readonly index: number
  readonly prefix: string
  /** Against 3.9, for what 4.x dropped. */
  readonly old: boolean
  readonly steps: readonly Step[]
}

export function makeScenario(
  seed: number,
  index: number,
  old: boolean,
  versions: ReadonlyMap<number, VersionRange>,
  runPrefix: string,
): Scenario {
  const prefix = `${runPrefix}${index}-`
  const generator = new Generator(new Choices(seed * 1_000_003 + index), versions, prefix, old)
  const steps = [...generator.setup(), ...Array.from({ length: STEPS }, () => generator.step())]
  return { index, prefix, old, steps: [...steps, ...lastLook(prefix, versions, old)] }
}

/** What is left behind must be the same. */
function lastLook(prefix: string, versions: ReadonlyMap<number, VersionRange>, old: boolean): RequestStep[] {
  const topics = [`${prefix}t1`, `${prefix}t2`, `${prefix}t3`]
  const partitions = (make: (index: number) => Value): Value => [0, 1, 2].map((index) => make(index))
  const step = (api: number, version: number, message: ValueObject, compared: boolean): RequestStep[] => {
    const range = versions.get(api)
    if (range === undefined || version > range.high || version < range.low) return []
    return [{ kind: 'request', connection: 0, api, version, clientId: 'last', message, compared }]
  }
  const listOffsets = (timestamp: number): ValueObject => ({
    replicaId: -1,
    isolationLevel: 0,
    topics: topics.map((name) => ({
      name,
      partitions: partitions((index) => ({ partitionIndex: index, currentLeaderEpoch: -1, timestamp })),
    })),
  })
  return [
    ...step(2, 5, listOffsets(-1), true),
    ...step(2, 5, listOffsets(-2), true),
    ...step(
      1,
      11,
      {
        replicaId: -1,
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 50_000_000,
        isolationLevel: 0,
        sessionId: 0,
        sessionEpoch: -1,
        topics: topics.map((topic) => ({
          topic,
          partitions: partitions((partition) => ({
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: 0,
            logStartOffset: -1,
            partitionMaxBytes: 50_000_000,
          })),
        })),
        forgottenTopicsData: [],
        rackId: '',
      },
      true,
    ),
    ...GROUPS.flatMap((group) => step(9, 5, { groupId: prefix + group, topics: null }, !old)),
    ...step(15, 4, { groups: GROUPS.map((group) => prefix + group), includeAuthorizedOperations: true }, !old),
    ...step(61, 0, { topics: topics.map((name) => ({ name, partitionIndexes: [0, 1, 2] })) }, !old),
    ...step(
      32,
      3,
      {
        resources: topics.map((name) => ({ resourceType: 2, resourceName: name, configurationKeys: null })),
        includeSynonyms: true,
        includeDocumentation: false,
      },
      !old,
    ),
  ]
}
