import { expect, test } from 'vitest'
import type { QuotaEntity } from '../../metadata/image.ts'
import { ClientBounds } from './client-bounds.ts'

const HOUR_MS = 3_600_000
const forClients = (name: string | null, bound: number): QuotaEntity => ({
  parts: [{ type: 'client-id', name }],
  values: new Map([['producer_byte_rate', bound]]),
})

function counted(): ClientBounds<{ readonly number: number }> {
  let made = 0
  return new ClientBounds('producer_byte_rate', () => ({ number: ++made }))
}

test('a bound that changes keeps its measure, one that is taken away does not', () => {
  const bounds = counted()
  bounds.follow([forClients('c', 10)])
  const before = bounds.of('c', 0)
  expect(before).toMatchObject({ perSecondMax: 10, measure: { number: 1 } })
  expect(bounds.of('d', 0)).toBeNull()
  bounds.follow([forClients('c', 20), forClients('d', 5)])
  expect(bounds.of('c', 1)).toMatchObject({ perSecondMax: 20, measure: { number: 1 } })
  expect(bounds.of('d', 1)).toMatchObject({ perSecondMax: 5, measure: { number: 2 } })
  bounds.follow([])
  expect([bounds.isEmpty, bounds.measured, bounds.of('c', 2)]).toEqual([true, 0, null])
})

test('a default bound is measured for each client by itself, and for an hour after its last request', () => {
  const bounds = counted()
  bounds.follow([forClients(null, 10)])
  for (let client = 0; client < 100; client++) bounds.of(`c${client}`, client)
  expect(bounds.measured).toBe(100)
  bounds.of('c0', HOUR_MS - 1)
  bounds.of('new', HOUR_MS + 60_000)
  expect(bounds.measured).toBe(2)
  expect(bounds.of('c0', HOUR_MS + 60_001)?.measure.number).toBe(1)
  expect(bounds.of('c1', HOUR_MS + 60_001)?.measure.number).toBe(102)
})
