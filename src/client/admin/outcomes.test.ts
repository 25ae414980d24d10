import { expect, test } from 'vitest'
import { KafkaError } from '../../base/errors.ts'
import { byPartition, type TopicPartition } from './admin-types.ts'
import { Listing, Outcomes } from './outcomes.ts'

const FAILURE = new KafkaError('INVALID_REQUEST', 'no')
const outcomes = new Outcomes<TopicPartition, number>(byPartition, [
  [{ topic: 'a', partition: 0 }, 7],
  [{ topic: 'a', partition: 1 }, FAILURE],
  [{ topic: 'b', partition: 0 }, 9],
])

test('keys are compared by what they say', () => {
  expect(outcomes.get({ topic: 'b', partition: 0 })).toBe(9)
  expect(outcomes.has({ topic: 'b', partition: 1 })).toBe(false)
  expect(() => outcomes.get({ topic: 'b', partition: 1 })).toThrow('b-1 is not among what was asked for.')
})

test('the error of one key leaves the others alone', () => {
  expect(outcomes.outcome({ topic: 'a', partition: 1 })).toBe(FAILURE)
  expect(() => outcomes.get({ topic: 'a', partition: 1 })).toThrow(FAILURE)
  expect(() => outcomes.all()).toThrow(FAILURE)
  expect([...outcomes.values().values()]).toEqual([7, 9])
  expect([...outcomes.errors().values()]).toEqual([FAILURE])
})

test('map changes values, and what it throws is the error of the key', () => {
  const mapped = outcomes.map((value) => {
    if (value === 9) throw FAILURE
    return String(value)
  })
  expect([...mapped].map(([, outcome]) => outcome)).toEqual(['7', FAILURE, FAILURE])
})

test('a listing has what came, and throws what failed only when all is wanted', () => {
  const listing = new Listing([1], [FAILURE])
  expect(listing.valid).toEqual([1])
  expect(() => listing.all()).toThrow(FAILURE)
  expect(new Listing([1], []).all()).toEqual([1])
})
