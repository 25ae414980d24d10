import { expect, test } from 'vitest'
import { bytes, json, string, type StandardSchema } from './serde.ts'

const positive: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' && value > 0
        ? { value }
        : { issues: [{ message: 'must be positive', path: ['amount', { key: 0 }] }] },
  },
}

test('strings, bytes and JSON come back as they went in', () => {
  expect(string().deserialize(string().serialize('grüße', 't'), 't')).toBe('grüße')
  expect(bytes().deserialize(bytes().serialize(Buffer.from([0, 255]), 't'), 't')).toEqual(Buffer.from([0, 255]))
  const serde = json<{ a: number }>()
  expect(serde.deserialize(serde.serialize({ a: 1 }, 't'), 't')).toEqual({ a: 1 })
})

test('what a schema refuses is neither produced nor handed out, and the message says where', () => {
  const serde = json(positive)
  expect(() => serde.serialize(-1, 't')).toThrow('amount.0: must be positive')
  expect(() => serde.deserialize(Buffer.from('-1'), 't')).toThrow('amount.0: must be positive')
  expect(serde.deserialize(serde.serialize(5, 't'), 't')).toBe(5)
})

test('a value without a JSON form, and a schema that is asynchronous, are refused', () => {
  expect(() => json().serialize(undefined, 't')).toThrow('A undefined has no JSON form.')
  const later: StandardSchema<number> = {
    '~standard': { version: 1, vendor: 'slow', validate: (value) => Promise.resolve({ value: value as number }) },
  }
  expect(() => json(later).serialize(1, 't')).toThrow('validates asynchronously')
})
