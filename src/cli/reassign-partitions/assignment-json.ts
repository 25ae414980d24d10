/** The JSON files of kafka-reassign-partitions.sh: what shall lie where, read and written. */
import { OperationalError } from '../../base/errors.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import type { ReplicaMove } from '../../client/admin/log-dirs.ts'
import { duplicates, integerField, isObject, objectsOf, textField, type JsonObject } from '../text/json-file.ts'

export const ANY_LOG_DIR = 'any'

export interface PartitionReplicas extends TopicPartition {
  readonly replicas: readonly number[]
}

export interface Reassignment {
  readonly partitions: readonly PartitionReplicas[]
  /** Replicas that shall lie in a directory. */
  readonly moves: readonly ReplicaMove[]
}

function refused(sentence: string): OperationalError {
  return new OperationalError('CONFIG_INVALID', sentence)
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

export function byName(one: TopicPartition, other: TopicPartition): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1
  return one.partition - other.partition
}

function parse(text: string): JsonObject {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    const word = /^\s*([A-Za-z_]\w*)/.exec(text)?.[1]
    if (word === undefined) throw refused(error instanceof Error ? error.message : String(error))
    throw refused(
      `Unrecognized token '${word}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')`,
    )
  }
  if (!isObject(json)) throw refused(`Expected JSON object, received ${JSON.stringify(json)}`)
  const version = json['version'] === undefined ? 1 : integerField(json, 'version')
  if (version !== 1) throw refused(`Not supported version field value ${version}`)
  return json
}

/** @throws OperationalError, ToolExit */
export function parseReassignment(text: string): Reassignment {
  const partitions: PartitionReplicas[] = []
  const moves: ReplicaMove[] = []
  for (const one of objectsOf(parse(text), 'partitions') ?? []) {
    const [topic, partition] = [textField(one, 'topic'), integerField(one, 'partition')]
    const replicas = listField(one, 'replicas', (item): item is number => Number.isInteger(item))
    const logDirs =
      one['log_dirs'] === undefined
        ? replicas.map(() => ANY_LOG_DIR)
        : listField(one, 'log_dirs', (item): item is string => typeof item === 'string')
    if (replicas.length !== logDirs.length) {
      throw refused(
        `Size of replicas list [${replicas.join(', ')}] is different from size of log dirs list [${logDirs.join(', ')}] for partition ${topic}-${partition}`,
      )
    }
    partitions.push({ topic, partition, replicas })
    for (const [index, brokerId] of replicas.entries()) {
      const logDir = logDirs[index] ?? ANY_LOG_DIR
      if (logDir !== ANY_LOG_DIR) moves.push({ topic, partition, brokerId, logDir })
    }
  }
  return { partitions, moves }
}

function listField<Item>(json: JsonObject, field: string, isItem: (item: unknown) => item is Item): readonly Item[] {
  const list = json[field]
  if (list === undefined) throw refused(`No such field exists: \`${field}\``)
  if (Array.isArray(list) && list.every(isItem)) return list
  throw refused(`Expected JSON array, received ${JSON.stringify(list)}`)
}

/** What may be executed. @throws OperationalError, ToolExit */
export function parseExecutable(text: string): Reassignment {
  const reassignment = parseReassignment(text)
  const { partitions } = reassignment
  if (partitions.length === 0) throw refused('Partition reassignment list cannot be empty')
  if (partitions.some(({ replicas }) => replicas.length === 0)) {
    throw refused('Partition replica list cannot be empty')
  }
  const twice = duplicates(partitions.map(nameOf))
  if (twice.length > 0) {
    throw refused(`Partition reassignment contains duplicate topic partitions: ${twice.join(',')}`)
  }
  const faults = partitions.flatMap((one) => {
    const more = duplicates(one.replicas.map(String))
    return more.length === 0 ? [] : [`${nameOf(one)} contains multiple entries for ${more.join(',')}`]
  })
  if (faults.length > 0) {
    throw refused(`Partition replica lists may not contain duplicate entries: ${faults.join('. ')}`)
  }
  return reassignment
}

/** The topics of `--topics-to-move-json-file`. @throws OperationalError, ToolExit */
export function parseTopics(text: string): readonly string[] {
  let json: JsonObject
  try {
    json = parse(text)
  } catch (error) {
    if (error instanceof OperationalError && error.message.startsWith('Unrecognized token')) {
      throw refused('The input string is not a valid JSON')
    }
    throw error
  }
  const topics = (objectsOf(json, 'topics') ?? []).map((one) => textField(one, 'topic'))
  const twice = duplicates(topics)
  if (twice.length > 0) {
    throw refused(`List of topics to reassign contains duplicate entries: [${twice.join(', ')}]`)
  }
  return topics
}

/** @param dirOf where a replica lies; `any` if nobody knows or cares. */
export function assignmentText(
  partitions: readonly PartitionReplicas[],
  dirOf: (partition: TopicPartition, brokerId: number) => string = () => ANY_LOG_DIR,
): string {
  const shown = [...partitions].sort(byName).map((one) => ({
    topic: one.topic,
    partition: one.partition,
    replicas: one.replicas,
    log_dirs: one.replicas.map((brokerId) => dirOf(one, brokerId)),
  }))
  return JSON.stringify({ version: 1, partitions: shown })
}
