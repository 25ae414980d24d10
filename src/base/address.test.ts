import { expect, test } from 'vitest'
import { addressOf } from './address.ts'

test('IPv6 addresses stand in brackets, once', () => {
  expect(addressOf('::1', 9092)).toBe('[::1]:9092')
  expect(addressOf('[::1]', 9092)).toBe('[::1]:9092')
  expect(addressOf('127.0.0.1', 9092)).toBe('127.0.0.1:9092')
  expect(addressOf('broker-1.example', 9092)).toBe('broker-1.example:9092')
})
