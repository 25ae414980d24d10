import { expect, test } from 'vitest'
import { ByteReader, MalformedError } from '../base/byte-reader.ts'
import { peekCorrelationId, peekRequestStart, readRequestHeader, readResponse } from './frames.ts'
import { writeRequest, writeResponse } from './frames.ts'
import { ApiVersions } from './generated/api-versions.ts'
import { ControlledShutdown } from './generated/controlled-shutdown.ts'
import { Fetch } from './generated/fetch.ts'
import { Metadata, MetadataRequest } from './generated/metadata.ts'

function unframed(pieces: readonly Buffer[]): ByteReader {
  const bytes = Buffer.concat(pieces)
  expect(bytes.readInt32BE()).toBe(bytes.length - 4)
  return new ByteReader(bytes, 4)
}

test('a request is read back from its frame: start, header, body', () => {
  const reader = unframed(writeRequest(Metadata, 12, 7, 'client', { topics: [{ name: 'a' }] }))
  expect(peekRequestStart(reader)).toEqual({ apiKey: 3, apiVersion: 12, correlationId: 7 })
  expect(readRequestHeader(reader, Metadata, 12)).toEqual({
    requestApiKey: 3,
    requestApiVersion: 12,
    correlationId: 7,
    clientId: 'client',
  })
  expect(MetadataRequest.read(reader, 12)).toEqual(MetadataRequest.make({ topics: [{ name: 'a' }] }))
  expect(reader.remaining).toBe(0)
})

test('ControlledShutdown 0 has the header without a client id', () => {
  const reader = unframed(writeRequest(ControlledShutdown, 0, 1, 'client', { brokerId: 5 }))
  expect(readRequestHeader(reader, ControlledShutdown, 0)).toMatchObject({ requestApiKey: 7, correlationId: 1 })
  expect(reader.remaining).toBe(4)
})

test('the header of an ApiVersions request from the future can be read', () => {
  const bytes = Buffer.from('0012007f0000000900016100ffff', 'hex')
  const reader = new ByteReader(bytes)
  expect(peekRequestStart(reader)).toEqual({ apiKey: 18, apiVersion: 127, correlationId: 9 })
  expect(readRequestHeader(reader, ApiVersions, 127)).toMatchObject({ correlationId: 9, clientId: 'a' })
})

test('an ApiVersions answer has header version 0 though its body is flexible', () => {
  const reader = unframed(writeResponse(ApiVersions, 3, 9, { errorCode: 35 }))
  expect(peekCorrelationId(reader)).toBe(9)
  expect(reader.buffer.readInt16BE(8)).toBe(35)
  expect(readResponse(ApiVersions, 3, reader).errorCode).toBe(35)
})

test('large records of a Fetch answer are sent by reference', () => {
  const records = Buffer.alloc(10_000, 1)
  const pieces = writeResponse(Fetch, 17, 1, { responses: [{ partitions: [{ records: [records] }] }] })
  expect(pieces).toContain(records)
  const [topic] = readResponse(Fetch, 17, unframed(pieces)).responses
  expect(topic?.partitions[0]?.records).toEqual(records)
})

test('a frame too short for a header is malformed', () => {
  expect(() => peekRequestStart(new ByteReader(Buffer.alloc(7)))).toThrow(MalformedError)
  expect(() => peekCorrelationId(new ByteReader(Buffer.alloc(3)))).toThrow(MalformedError)
})
