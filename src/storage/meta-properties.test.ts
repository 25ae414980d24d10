import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { OperationalError } from '../base/errors.ts'
import { DIRECTORY_LOST, parseUuid, type Uuid } from '../base/uuid.ts'
import {
  formatMetaProperties,
  isReservedDirectoryId,
  parseMetaProperties,
  verifyMetaProperties,
  type MetaProperties,
} from './meta-properties.ts'

const golden = (name: string): string => readFileSync(`test/golden/storage/text/${name}`, 'latin1')
const ONE = parseUuid('nLiBKRtUTHOn4PqZgTBHRQ') as Uuid
const TWO = parseUuid('kJuQTwa3GyYPGrQdyhK3bA') as Uuid
const of = (change: Partial<MetaProperties>): MetaProperties => ({
  version: 1,
  clusterId: 'c',
  nodeId: 1,
  directoryId: ONE,
  ...change,
})

test("Kafka's KRaft file is read and written back byte for byte, its date included", () => {
  const text = golden('meta-kraft.properties')
  const properties = parseMetaProperties(text, 'm')
  expect(properties).toEqual({ version: 1, clusterId: '19s0IbvtvxZXsKeIqJ3yzQ', nodeId: 1, directoryId: ONE })
  expect(formatMetaProperties(properties, Date.UTC(2026, 10, 22, 17, 11, 48))).toBe(text)
})

test("a ZooKeeper broker's file has version 0 and no directory id", () => {
  const text = golden('meta-zookeeper.properties')
  const properties = parseMetaProperties(text, 'm')
  expect(properties).toEqual({ version: 0, clusterId: 'urUVdnOFSLGT2ESYBBo5lA', nodeId: 1, directoryId: null })
  expect(formatMetaProperties(properties, Date.UTC(2026, 10, 22, 17, 16, 13))).toBe(text)
})

test('dates are right on leap days, at year ends and before 1970', () => {
  for (const ms of [
    0,
    Date.UTC(2000, 1, 29, 23, 59, 59),
    Date.UTC(2100, 2, 1),
    Date.UTC(2023, 11, 31),
    Date.UTC(1969, 11, 31),
    Date.UTC(2024, 0, 1),
  ]) {
    const [day, date, month, year, time] = new Date(ms).toUTCString().replace(',', '').split(' ')
    expect(formatMetaProperties(of({}), ms)).toContain(`#${day} ${month} ${date} ${time} UTC ${year}\n`)
  }
})

test('escapes, other separators and comments of Java properties are understood', () => {
  const text = '! comment\n version : 1\nnode.id 7\ncluster.id=a\\:b\\=\\u00e9 \r\n'
  expect(parseMetaProperties(text, 'm')).toEqual({ version: 1, clusterId: 'a:b=é ', nodeId: 7, directoryId: null })
  const odd = of({ clusterId: ' a:b=#!\\é' })
  expect(parseMetaProperties(formatMetaProperties(odd, 0), 'm')).toEqual(odd)
})

test.each([
  ['an unknown version', 'version=2\ncluster.id=c\nnode.id=1\n'],
  ['a node id that is no number', 'version=1\ncluster.id=c\nnode.id=x\n'],
  ['no node id in version 1', 'version=1\ncluster.id=c\n'],
  ['no cluster id in version 1', 'version=1\nnode.id=1\n'],
  ['a directory id that is no uuid', 'version=1\ncluster.id=c\nnode.id=1\ndirectory.id=zzz\n'],
])('a file with %s is refused', (_what, text) => {
  expect(() => parseMetaProperties(text, '/d/meta.properties')).toThrow(OperationalError)
})

test('directories that agree pass', () => {
  const found = new Map([
    ['/a', of({})],
    ['/b', of({ directoryId: TWO })],
    ['/c', of({ directoryId: null })],
  ])
  verifyMetaProperties(found, { clusterId: 'c', nodeId: 1 })
  verifyMetaProperties(found, { clusterId: null, nodeId: null })
})

test.each([
  [
    'of another cluster',
    'WRONG_CLUSTER',
    of({ clusterId: 'other', directoryId: TWO }),
    /^Invalid cluster.id in: \/b\/meta.properties. Expected c, but read other$/,
  ],
  [
    'of another node',
    'WRONG_CLUSTER',
    of({ nodeId: 2, directoryId: TWO }),
    /^Stored node id 2 doesn't match previous node id 1 in \/b/,
  ],
  ['with the id of another directory', 'CONFIG_INVALID', of({}), /^Duplicate directory ID/],
  ['with a reserved id', 'CONFIG_INVALID', of({ directoryId: DIRECTORY_LOST }), /^Invalid reserved directory ID/],
])('a directory %s is refused', (_what, code, second, message) => {
  const found = new Map([
    ['/a', of({})],
    ['/b', second],
  ])
  for (const expected of [
    { clusterId: 'c', nodeId: 1 },
    { clusterId: null, nodeId: null },
  ]) {
    try {
      verifyMetaProperties(found, expected)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    }
  }
})

test('the first hundred 128-bit numbers are reserved', () => {
  const id = (last: number): Uuid =>
    Buffer.concat([Buffer.alloc(15), Buffer.from([last])]).toString('base64url') as Uuid
  expect([0, 1, 2, 99].map((last) => isReservedDirectoryId(id(last)))).toEqual([true, true, true, true])
  expect(isReservedDirectoryId(id(100))).toBe(false)
  expect(isReservedDirectoryId(ONE)).toBe(false)
})
