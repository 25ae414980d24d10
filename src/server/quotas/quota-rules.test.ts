import { expect, test } from 'vitest'
import fc from 'fast-check'
import type { QuotaEntity } from '../../metadata/image.ts'
import { QuotaRules } from './quota-rules.ts'

const KIND = 'producer_byte_rate'
/** User and client id; null: the default; undefined: not part of the entity. */
type Entity = readonly [user: string | null | undefined, clientId: string | null | undefined]

function entity([user, clientId]: Entity, bound: number, kind = KIND): QuotaEntity {
  const parts: { type: string; name: string | null }[] = []
  if (clientId !== undefined) parts.push({ type: 'client-id', name: clientId })
  if (user !== undefined) parts.push({ type: 'user', name: user })
  return { parts, values: new Map([[kind, bound]]) }
}

/** As Kafka's documentation lists it, first to last. */
const precedence = (user: string, clientId: string): readonly Entity[] => [
  [user, clientId],
  [user, null],
  [user, undefined],
  [null, clientId],
  [null, null],
  [null, undefined],
  [undefined, clientId],
  [undefined, null],
]

const names = fc.constantFrom('a', 'b', null, undefined)
const entities = fc.uniqueArray(
  fc.tuple(names, names).filter(([user, clientId]) => user !== undefined || clientId !== undefined),
  { selector: ([user, clientId]) => `${user}/${clientId}` },
)

test('the bound of a client is the first of the eight that is set, and those share it whom it names together', () => {
  fc.assert(
    fc.property(entities, fc.constantFrom('a', 'b', 'c'), fc.constantFrom('a', 'b', 'c'), (set, user, clientId) => {
      const rules = new QuotaRules(
        set.map((one, index) => entity(one, index + 1)),
        KIND,
      )
      const found = precedence(user, clientId).find(([u, c]) => set.some(([x, y]) => x === u && y === c))
      const bound = rules.boundOf(user, clientId)
      if (found === undefined) {
        expect(bound).toBeNull()
        return
      }
      const at = set.findIndex(([x, y]) => x === found[0] && y === found[1])
      const [ofUser, ofClient] = found
      expect(bound).toEqual({
        perSecondMax: at + 1,
        sharedBy: JSON.stringify([ofUser === undefined ? '' : user, ofClient === undefined ? '' : clientId]),
      })
    }),
    { numRuns: 2000 },
  )
})

test('bounds of another kind and of addresses count for nobody', () => {
  const ip = { parts: [{ type: 'ip', name: null }], values: new Map([[KIND, 1]]) }
  const rules = new QuotaRules([entity(['a', undefined], 1, 'consumer_byte_rate'), ip], KIND)
  expect(rules.isEmpty).toBe(true)
  expect(rules.boundOf('a', 'c')).toBeNull()
})

test('a client that does not tell its id has a bound by its user only', () => {
  expect(new QuotaRules([entity([undefined, null], 5)], KIND).boundOf('a', '')).toBeNull()
  const ofUser = new QuotaRules([entity([undefined, null], 5), entity([null, undefined], 6)], KIND)
  expect(ofUser.boundOf('a', '')?.perSecondMax).toBe(6)
})
