/** A message of the protocol as JSON in one line, as Kafka's converters and Jackson write it. */
import { javaDouble } from '../../base/java-double.ts'
import { MalformedError } from '../../base/byte-reader.ts'
import type { MessageCodec } from '../../protocol/codec.ts'
import { MESSAGES } from '../../protocol/generated/messages.ts'
import { messageToJson, type Json, type NumberForm } from '../../protocol/json.ts'

/** Stands before a number that JSON.stringify would write differently; no message holds it by chance. */
const RAW = '\u0001klamm raw '

const rawNumbers: NumberForm = (value, isFloat) => {
  if (typeof value === 'number' && !isFloat) return value
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return `${RAW}${typeof value === 'number' ? javaDouble(value) : value}`
}

/** The fields of a message, for `jsonText`. */
export function messageFields(codec: MessageCodec<object>, message: object, version: number): Json {
  const description = MESSAGES.get(codec.name)
  if (description === undefined) throw new MalformedError(`${codec.name} is not described`)
  return messageToJson(description.fields, message, version, rawNumbers)
}

export function jsonText(json: Json): string {
  return JSON.stringify(json)
    .replace(/"\\u0001klamm raw ([^"]*)"/g, '$1')
    .replace(/\\u00[0-9a-f]{2}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`)
}

export function messageJson(codec: MessageCodec<object>, message: object, version: number): string {
  return jsonText(messageFields(codec, message, version))
}
