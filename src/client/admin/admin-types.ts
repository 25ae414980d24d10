/** Shapes that several families of the Admin share: keys, nodes, and Kafka's enumerations with their codes. */
import { byTopic as gatherByTopic, keyOf, type TopicPartition } from '../consumer/topic-partition.ts'
import { ClientError } from '../errors.ts'
import { ACL_OPERATIONS, type AclOperation } from './acl-codes.ts'
import type { KeyText } from './outcomes.ts'

export type { AclOperation, TopicPartition }

/** The replica of a partition that one broker holds. */
export interface TopicPartitionReplica extends TopicPartition {
  readonly brokerId: number
}

export interface Node {
  readonly id: number
  /** Empty where only the id is known: the broker is not there just now. */
  readonly host: string
  /** -1 where only the id is known. */
  readonly port: number
  readonly rack: string | null
}

export interface ConfigResource {
  readonly type: ConfigResourceType
  /** Of a topic, a broker's id (empty: the default of all brokers), a group or a subscription. */
  readonly name: string
}

export const byName: KeyText<string> = (name) => name
export const byId: KeyText<number> = (id) => String(id)
export const byPartition: KeyText<TopicPartition> = keyOf
export const byReplica: KeyText<TopicPartitionReplica> = (replica) => `${byPartition(replica)}-${replica.brokerId}`
export const byResource: KeyText<ConfigResource> = ({ type, name }) => `${type} ${name}`

/** One of Kafka's enumerations: names as Java spells them, numbers as they go over the wire. */
export class Codes<Name extends string> {
  readonly #codes: Readonly<Record<Name, number>>
  readonly #names: ReadonlyMap<number, Name>

  constructor(codes: Readonly<Record<Name, number>>) {
    this.#codes = codes
    this.#names = new Map(Object.entries<number>(codes).map(([name, code]) => [code, name as Name]))
  }

  /** @throws ClientError INVALID_ARGUMENT for a name that is none. */
  code(name: Name): number {
    const code = this.#codes[name]
    if (code !== undefined) return code
    throw new ClientError('INVALID_ARGUMENT', `'${name}' is none of ${Object.keys(this.#codes).join(', ')}.`)
  }

  name(code: number, fallback: Name): Name {
    return this.#names.get(code) ?? fallback
  }
}

export type ConfigResourceType = 'UNKNOWN' | 'TOPIC' | 'BROKER' | 'BROKER_LOGGER' | 'CLIENT_METRICS' | 'GROUP'
export const CONFIG_RESOURCE_TYPES = new Codes<ConfigResourceType>({
  UNKNOWN: 0,
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
})

const OPERATIONS = new Codes<AclOperation>(ACL_OPERATIONS)

const NOT_ASKED = -2_147_483_648

/** Of the bits of an answer; null where they were not asked for, or the broker can't tell. */
export function authorizedOperations(bits: number): readonly AclOperation[] | null {
  if (bits === NOT_ASKED) return null
  const operations: AclOperation[] = []
  for (let code = 3; code < 31; code++) {
    if ((bits & (1 << code)) !== 0) operations.push(OPERATIONS.name(code, 'UNKNOWN'))
  }
  return operations
}

/** Partitions gathered under their topics, as requests have them. */
export function byTopic<Item extends TopicPartition>(items: readonly Item[]): [string, Item[]][] {
  return [...gatherByTopic(items)]
}

/** @throws ClientError INVALID_ARGUMENT for a key that stands twice with different wishes. */
export function checkUnique(what: string, texts: readonly string[]): void {
  const seen = new Set<string>()
  for (const text of texts) {
    if (seen.has(text)) throw new ClientError('INVALID_ARGUMENT', `${what} ${text} is named twice.`)
    seen.add(text)
  }
}
