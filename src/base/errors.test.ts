import { expect, test } from 'vitest'
import { KafkaError } from './errors.ts'

test('an error with a protocol code has no stack, and a message that fits into the string of an answer', () => {
  const error = new KafkaError('INVALID_TOPIC_EXCEPTION', `the name is ${'é'.repeat(32_000)}`)
  expect(error.stack).not.toContain('at ')
  expect(Buffer.byteLength(error.message)).toBeLessThan(32_767)
  expect(new Error('another').stack).toContain('errors.test')
})
