import { expect, test } from 'vitest'
import { INT64_MAX } from '../base/int64.ts'
import type { FieldDescription } from './fields.ts'
import { MESSAGES } from './generated/messages.ts'
import { FetchRequest } from './generated/fetch.ts'
import { type Json, JsonFormError, messageFromJson, messageToJson } from './json.ts'

function fieldsOf(name: string): readonly FieldDescription[] {
  const description = MESSAGES.get(name)
  if (description === undefined) throw new Error(`no message ${name}`)
  return description.fields
}

const FETCH = fieldsOf('FetchRequest')

test('only the fields of the version appear, tagged ones only if they differ from their default', () => {
  const message = FetchRequest.make({ replicaState: { replicaId: 1 } })
  expect(messageToJson(FETCH, message, 15)).toMatchObject({ replicaState: { replicaId: 1, replicaEpoch: -1 } })
  expect(messageToJson(FETCH, FetchRequest.make(), 15)).not.toHaveProperty('replicaState')
  expect(Object.keys(messageToJson(FETCH, message, 0))).toEqual(['replicaId', 'maxWaitMs', 'minBytes', 'topics'])
})

test('integers beyond 53 bits are text, in both directions', () => {
  const message = FetchRequest.make({ topics: [{ partitions: [{ fetchOffset: INT64_MAX }] }] })
  const json = messageToJson(FETCH, message, 4)
  expect(JSON.stringify(json)).toContain('"fetchOffset":"9223372036854775807"')
  expect(messageFromJson(FETCH, json, 4)).toEqual(message)
})

test('what is not the JSON of this message in this version is refused', () => {
  const good = { replicaId: 1, maxWaitMs: 0, minBytes: 0, topics: [] }
  const bad: readonly Json[] = [
    null,
    [],
    {},
    { ...good, maxBytes: 1 },
    { ...good, topics: null },
    { ...good, topics: {} },
    { ...good, maxWaitMs: 1.5 },
    { ...good, maxWaitMs: 2 ** 31 },
    { ...good, maxWaitMs: true },
    { ...good, topics: [{ topic: 1, partitions: [] }] },
  ]
  expect(messageFromJson(FETCH, good, 0)).toEqual(FetchRequest.make({ replicaId: 1 }))
  for (const json of bad) expect(() => messageFromJson(FETCH, json, 0)).toThrow(JsonFormError)
})

test('a uuid that is not 22 characters of base64url is refused', () => {
  const fields = fieldsOf('TopicRecord')
  expect(() => messageFromJson(fields, { name: 'a', topicId: 'short' }, 0)).toThrow(JsonFormError)
  expect(messageFromJson(fields, { name: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }, 0)).toEqual({
    name: 'a',
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  })
})
