import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ring } from './ring.ts'

test('a ring holds what an array would, at places that stay', () => {
  const steps = fc.array(fc.oneof(fc.nat({ max: 9 }), fc.constantFrom('shift', 'set', 'clear')), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (script) => {
      const ring = new Ring(-1)
      let model: number[] = []
      let gone = 0
      for (const step of script) {
        if (typeof step === 'number') {
          ring.push(step)
          model.push(step)
        } else if (step === 'clear') {
          ring.clear()
          gone += model.length
          model = []
        } else if (model.length === 0) continue
        else if (step === 'shift') {
          expect(ring.shift()).toBe(model.shift())
          gone++
        } else {
          ring.set(gone, 100)
          model[0] = 100
        }
        expect([ring.head, ring.end, ring.length]).toEqual([gone, gone + model.length, model.length])
        for (let place = ring.head; place < ring.end; place++) expect(ring.at(place)).toBe(model[place - gone])
      }
    }),
  )
})

test('an empty ring is not shifted', () => {
  expect(() => new Ring(0).shift()).toThrow(/bug/)
})
