/**
 * `meta.properties`: to which cluster and node a log directory belongs, and the directory's own id.
 *
 * Version 0 was written by ZooKeeper brokers (`broker.id`), version 1 by KRaft nodes (`node.id`, both ids required).
 * The file is Java properties text. `directory.id` may be missing (formatted before 3.7): the node that opens the
 * directory draws one and rewrites the file. All directories of a node agree on cluster and node; directory ids are
 * distinct, and none is among the first hundred 128-bit numbers, which have meanings of their own in metadata records
 * (KIP-858).
 */
import { OperationalError } from '../base/errors.ts'
import { parseUuid, uuidFromRandom, uuidToBytes, type Uuid } from '../base/uuid.ts'
import type { Disk, Random } from '../world/world.ts'
import { replaceFile } from './atomic-file.ts'

export const META_PROPERTIES_FILE = 'meta.properties'
const RESERVED_DIRECTORY_IDS = 100

export interface MetaProperties {
  readonly version: 0 | 1
  readonly clusterId: string | null
  readonly nodeId: number | null
  readonly directoryId: Uuid | null
}

/** Null when the directory has none: it was never formatted. @throws OperationalError CONFIG_INVALID */
export async function readMetaProperties(disk: Disk, directory: string): Promise<MetaProperties | null> {
  const path = `${directory}/${META_PROPERTIES_FILE}`
  const bytes = await disk.readFile(path)
  return bytes === null ? null : parseMetaProperties(bytes.toString('latin1'), path)
}

export async function writeMetaProperties(
  disk: Disk,
  directory: string,
  properties: MetaProperties,
  wallMs: number,
): Promise<void> {
  const text = formatMetaProperties(properties, wallMs)
  await replaceFile(disk, `${directory}/${META_PROPERTIES_FILE}`, Buffer.from(text, 'latin1'))
}

export function parseMetaProperties(text: string, path: string): MetaProperties {
  const values = parseProperties(text)
  const versionText = values.get('version') ?? '0'
  if (versionText !== '0' && versionText !== '1') {
    throw invalid(`${path}: unknown meta.properties version ${versionText}`)
  }
  const version = versionText === '0' ? 0 : 1
  const nodeKey = version === 0 ? 'broker.id' : 'node.id'
  const nodeText = values.get(nodeKey)
  if (nodeText !== undefined && !/^[+-]?[0-9]+$/.test(nodeText)) {
    throw invalid(`${path}: Unable to read ${nodeKey}=${nodeText} as a base-10 number.`)
  }
  const directoryText = values.get('directory.id')
  const directoryId = directoryText === undefined ? null : parseUuid(directoryText)
  if (directoryText !== undefined && directoryId === null) {
    throw invalid(`${path}: Unable to read directory.id as a Uuid: ${directoryText}`)
  }
  const clusterId = values.get('cluster.id') ?? null
  if (version === 1 && clusterId === null) throw invalid(`${path}: cluster.id was not found.`)
  if (version === 1 && nodeText === undefined) throw invalid(`${path}: node.id was not found.`)
  return { version, clusterId, nodeId: nodeText === undefined ? null : Number(nodeText), directoryId }
}

export function formatMetaProperties(properties: MetaProperties, wallMs: number): string {
  const lines = ['#', `#${javaDate(wallMs)}`]
  const put = (key: string, value: string | number): void => void lines.push(`${key}=${escape(String(value))}`)
  if (properties.nodeId !== null) put(properties.version === 0 ? 'broker.id' : 'node.id', properties.nodeId)
  if (properties.directoryId !== null) put('directory.id', properties.directoryId)
  put('version', properties.version)
  if (properties.clusterId !== null) put('cluster.id', properties.clusterId)
  return `${lines.join('\n')}\n`
}

/**
 * Checks the files of all directories of one node against each other and against what is expected (null: nothing is).
 *
 * @throws OperationalError WRONG_CLUSTER for a directory of another cluster or node, CONFIG_INVALID for a bad id.
 */
export function verifyMetaProperties(
  found: ReadonlyMap<string, MetaProperties>,
  expected: { readonly clusterId: string | null; readonly nodeId: number | null },
): void {
  let { clusterId, nodeId } = expected
  const seen = new Map<Uuid, string>()
  for (const [directory, properties] of found) {
    const path = `${directory}/${META_PROPERTIES_FILE}`
    if (properties.clusterId !== null) {
      clusterId ??= properties.clusterId
      if (properties.clusterId !== clusterId) {
        throw wrong(`Invalid cluster.id in: ${path}. Expected ${clusterId}, but read ${properties.clusterId}`)
      }
    }
    if (properties.nodeId !== null) {
      nodeId ??= properties.nodeId
      if (properties.nodeId !== nodeId) {
        throw wrong(
          `Stored node id ${properties.nodeId} doesn't match previous node id ${nodeId} in ${path}. ` +
            'If you moved your data, make sure your configured node id matches. ' +
            'If you intend to create a new node, you should remove all data in your data directories.',
        )
      }
    }
    const { directoryId } = properties
    if (directoryId === null) continue
    if (isReservedDirectoryId(directoryId))
      throw invalid(`Invalid reserved directory ID ${directoryId} found in ${path}`)
    const other = seen.get(directoryId)
    if (other !== undefined) {
      throw invalid(`Duplicate directory ID ${directoryId} found. It was the ID of ${other}, but also of ${directory}`)
    }
    seen.set(directoryId, directory)
  }
}

export function isReservedDirectoryId(id: Uuid): boolean {
  const bytes = uuidToBytes(id)
  return bytes.subarray(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) < RESERVED_DIRECTORY_IDS
}

/** A fresh uuid whose text does not begin with a dash, as every uuid that Kafka draws. */
export function randomUuid(random: Random): Uuid {
  for (;;) {
    const uuid = uuidFromRandom(random.bytes(16))
    if (uuid !== null) return uuid
  }
}

/** Java properties, as far as `java.util.Properties` writes them into this file. */
function parseProperties(text: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split(/\r\n|\n|\r/)) {
    const trimmed = line.trimStart()
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('!')) continue
    const match = /^((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)$/.exec(trimmed)
    if (match !== null) values.set(unescape(match[1] ?? ''), unescape(match[2] ?? ''))
  }
  return values
}

const CONTROL_ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' }

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_all, hex: string | undefined, character: string | undefined) =>
    hex === undefined ? (CONTROL_ESCAPES[character ?? ''] ?? character ?? '') : String.fromCharCode(parseInt(hex, 16)),
  )
}

function escape(value: string): string {
  return value
    .replace(/[\\=:#!]/g, '\\$&')
    .replace(/^ /, '\\ ')
    .replace(
      /[^\x20-\x7e]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
    )
}

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DAY_SECONDS = 86_400
/** Days from 0000-03-01 to 1970-01-01. A year that begins in March has its leap day last. */
const DAYS_TO_EPOCH = 719_468
const DAYS_OF_400_YEARS = 146_097

/** `Sun Nov 22 17:11:48 UTC 2026`, as java.util.Date prints it. Pure arithmetic: no clock is read here. */
function javaDate(wallMs: number): string {
  const seconds = Math.floor(wallMs / 1000)
  const days = Math.floor(seconds / DAY_SECONDS)
  const second = seconds - days * DAY_SECONDS
  const era = Math.floor((days + DAYS_TO_EPOCH) / DAYS_OF_400_YEARS)
  const dayOfEra = days + DAYS_TO_EPOCH - era * DAYS_OF_400_YEARS
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const date = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = (marchMonth + 2) % 12
  const year = era * 400 + yearOfEra + (month < 2 ? 1 : 0)
  const two = (value: number): string => String(value).padStart(2, '0')
  const time = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60].map(two).join(':')
  return `${DAYS[((days % 7) + 7) % 7]} ${MONTHS[month]} ${two(date)} ${time} UTC ${year}`
}

function invalid(detail: string): OperationalError {
  return new OperationalError('CONFIG_INVALID', detail)
}

function wrong(detail: string): OperationalError {
  return new OperationalError('WRONG_CLUSTER', detail)
}
