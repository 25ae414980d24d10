/** What AlterClientQuotas writes and refuses, in the words of Apache Kafka 4.3.1, which was asked the same. */
import { expect, test } from 'vitest'
import type { Init } from '../protocol/codec.ts'
import { AlterClientQuotasRequest } from '../protocol/generated/alter-client-quotas.ts'
import { DecidedCluster } from '../testing/decided-cluster.ts'
import { alterClientQuotas } from './alter-client-quotas.ts'

type Entry = Init<AlterClientQuotasRequest.EntryData>

const RATE = 'producer_byte_rate'
const CONNECTIONS = 'connection_creation_rate'
const user = (entityName: string | null) => ({ entityType: 'user', entityName })
const client = (entityName: string | null) => ({ entityType: 'client-id', entityName })
const ip = (entityName: string | null) => ({ entityType: 'ip', entityName })
const set = (key: string, value: number) => ({ key, value, remove: false })
const removed = (key: string) => ({ key, value: 0, remove: true })

/** What is said of each entity; null: nothing against it. */
function ask(cluster: DecidedCluster, entries: readonly Entry[], validateOnly = false): (string | null)[] {
  const request = AlterClientQuotasRequest.make({ entries, validateOnly })
  const answer = cluster.decide((state) => alterClientQuotas(state, request))
  return (answer.entries ?? []).map(({ errorCode = 0, errorMessage = null }) => {
    expect(errorCode).toBe(errorMessage === null ? 0 : 42)
    return errorMessage
  })
}

function refusal(entity: readonly { entityType: string; entityName: string | null }[], key = RATE, value = 1): string {
  const cluster = new DecidedCluster()
  const [said] = ask(cluster, [
    { entity, ops: [set('request_percentage', 5), set(key, value)].slice(key === CONNECTIONS || key === 'x' ? 1 : 0) },
  ])
  expect(cluster.records).toEqual([])
  return said ?? 'nothing'
}

const quotasOf = (cluster: DecidedCluster) =>
  [...cluster.image.quotas.values()].map(({ parts, values }) => {
    return [parts.map(({ type, name }) => `${type}=${name}`).join(' '), Object.fromEntries(values)]
  })

test('bounds are set, changed and removed, and what changes nothing is not written', () => {
  const cluster = new DecidedCluster()
  expect(
    ask(cluster, [{ entity: [user('a'), client(null)], ops: [set(RATE, 7), set('request_percentage', 0.5)] }]),
  ).toEqual([null])
  expect(cluster.records).toHaveLength(2)
  expect(ask(cluster, [{ entity: [client(null), user('a')], ops: [set(RATE, 7), removed('nonsense')] }])).toEqual([
    null,
  ])
  expect(cluster.records).toEqual([])
  expect(quotasOf(cluster)).toEqual([['client-id=null user=a', { [RATE]: 7, request_percentage: 0.5 }]])
  ask(cluster, [{ entity: [client(null), user('a')], ops: [removed(RATE), set('request_percentage', 1)] }])
  expect(quotasOf(cluster)).toEqual([['client-id=null user=a', { request_percentage: 1 }]])
  ask(cluster, [{ entity: [client(null), user('a')], ops: [removed('request_percentage')] }])
  expect(quotasOf(cluster)).toEqual([])
})

test('each entity stands for itself, and is changed whole or not at all', () => {
  const cluster = new DecidedCluster()
  const answers = ask(cluster, [
    { entity: [user('z')], ops: [set(RATE, 7)] },
    { entity: [user('b')], ops: [set('consumer_byte_rate', 1), set(RATE, -1)] },
    { entity: [ip('127.0.0.1')], ops: [set(CONNECTIONS, 3)] },
  ])
  expect(answers).toEqual([null, `Quota ${RATE} must be greater than 0`, null])
  expect(quotasOf(cluster)).toEqual([
    ['user=z', { [RATE]: 7 }],
    ['ip=127.0.0.1', { [CONNECTIONS]: 3 }],
  ])
})

test('validate_only says the same and writes nothing', () => {
  const cluster = new DecidedCluster()
  expect(
    ask(
      cluster,
      [
        { entity: [user('a')], ops: [set(RATE, 7)] },
        { entity: [user('b')], ops: [set(RATE, 0)] },
      ],
      true,
    ),
  ).toEqual([null, `Quota ${RATE} must be greater than 0`])
  expect(cluster.records).toEqual([])
})

test('an entity that stands twice, or a key of it, is refused; the first of two entities holds', () => {
  const cluster = new DecidedCluster()
  const twice = 'Ignoring duplicate entity ClientQuotaEntity(entries={client-id=c, user=a})'
  expect(
    ask(cluster, [
      { entity: [user('a'), client('c')], ops: [set(RATE, 7)] },
      { entity: [client('c'), user('a')], ops: [set(RATE, 8)] },
    ]),
  ).toEqual([twice])
  expect(quotasOf(cluster)).toEqual([['client-id=c user=a', { [RATE]: 7 }]])
  expect(ask(cluster, [{ entity: [client('c'), user('a')], ops: [removed(RATE), set(RATE, 8)] }])).toEqual([twice])
  expect(cluster.records).toEqual([])
})

test('of a type that stands twice in an entity the last counts', () => {
  const cluster = new DecidedCluster()
  ask(cluster, [{ entity: [user('a'), user('b')], ops: [set(RATE, 2)] }])
  expect(quotasOf(cluster)).toEqual([['user=b', { [RATE]: 2 }]])
})

test('entities that cannot be are refused', () => {
  expect(refusal([])).toBe('Invalid empty client quota entity')
  expect(refusal([user('')])).toBe('Empty user not supported')
  expect(refusal([user('a'), { entityType: 'x', entityName: 'y' }])).toBe('Unhandled client quota entity type: x')
  expect(refusal([ip('1.1.1.1'), user('a')], CONNECTIONS)).toBe(
    'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId',
  )
  expect(refusal([ip('300.1.1.1')], CONNECTIONS)).toBe('300.1.1.1 is not a valid IP or resolvable host.')
})

test('bounds that cannot be are refused', () => {
  const a = [user('a')]
  expect(refusal(a, 'x')).toBe('Invalid configuration key x')
  expect(refusal(a, CONNECTIONS)).toBe(`Invalid configuration key ${CONNECTIONS}`)
  expect(refusal([ip(null)], 'x')).toBe('Invalid configuration key x')
  expect(refusal(a, RATE, 0.9999995)).toBe(`${RATE} cannot be a fractional value.`)
  expect(refusal(a, RATE, 1e19)).toBe(`Proposed value for ${RATE} is too large for a LONG.`)
  expect(refusal([ip(null)], CONNECTIONS, 2 ** 31)).toBe(`Proposed value for ${CONNECTIONS} is too large for an INT.`)
  expect(refusal(a, 'controller_mutation_rate', -0)).toBe('Quota controller_mutation_rate must be greater than 0')
  const cluster = new DecidedCluster()
  const values = [1e-7, 5.0000001, 2 ** 63, NaN, Infinity]
  const odd = values.map((value, index) => ({
    entity: [user(`${index}`)],
    ops: [set(index < 4 ? RATE : 'request_percentage', value)],
  }))
  expect(ask(cluster, odd)).toEqual([null, null, null, null, null])
  expect([...cluster.image.quotas.values()].map((entity) => [...entity.values.values()])).toEqual(
    values.map((value) => [value]),
  )
})

test('more than fits into one batch is refused as a whole', () => {
  const entries = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ entity: [user(`u${index}`)], ops: [set(RATE, 1)] }))
  const cluster = new DecidedCluster()
  expect(() => ask(cluster, entries(10_001))).toThrow(expect.objectContaining({ code: 'POLICY_VIOLATION' }))
  expect(ask(cluster, entries(10_000))).toHaveLength(10_000)
})
