import { expect, test } from 'vitest'
import { buildBatch } from './batch-builder.ts'
import { buildMessageSet } from './message-builder.ts'
import { refusalOfShape } from './produce-shape.ts'

const records = [{ value: Buffer.from('a'), timestamp: 1 }]
const batch = buildBatch({ records })

test('one batch of magic 2 is what a producer sends since version 3; older ones send what they like', () => {
  expect(refusalOfShape(batch, 3)).toBeNull()
  expect(refusalOfShape(Buffer.concat([batch, batch]), 2)).toBeNull()
})

test.each([
  ['no batch', Buffer.alloc(0), 9, 'INVALID_RECORD'],
  ['two batches', Buffer.concat([batch, batch]), 9, 'INVALID_RECORD'],
  ['messages of magic 1', buildMessageSet({ magic: 1, records }), 9, 'INVALID_RECORD'],
  ['zstd before version 7', buildBatch({ codec: 'zstd', records }), 6, 'UNSUPPORTED_COMPRESSION_TYPE'],
])('%s is refused', (_, bytes, version, code) => {
  expect(refusalOfShape(bytes, version)?.code).toBe(code)
})

test('what is no batch behind the first one is refused without a text in the answer', () => {
  const refusal = refusalOfShape(Buffer.concat([batch, Buffer.alloc(20, 0xff)]), 11)
  expect(refusal).toMatchObject({ code: 'CORRUPT_MESSAGE', answerText: null })
})
