/**
 * What Apache Kafka 4.3.1's broker and its controller said to each other while the broker joined, led partitions and left
 * (test/golden/kraft/broker-joins.jsonl, taken from the wire): this broker says the same.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ByteReader } from '../base/byte-reader.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { parseUuid } from '../base/uuid.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import type { Api } from '../protocol/codec.ts'
import { readRequestHeader, readResponse } from '../protocol/frames.ts'
import { AssignReplicasToDirs } from '../protocol/generated/assign-replicas-to-dirs.ts'
import { BrokerHeartbeat } from '../protocol/generated/broker-heartbeat.ts'
import { BrokerRegistration } from '../protocol/generated/broker-registration.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { Envelope } from '../protocol/generated/envelope.ts'
import { Fetch } from '../protocol/generated/fetch.ts'
import { fetchRequest } from '../quorum/wire-requests.ts'
import { fetchResult } from '../quorum/wire-results.ts'
import { TestRaft } from '../raft/test-raft.ts'
import { NO_VOTERS } from '../raft/voters.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { envelopeOf } from './remote-controller.ts'
import { testLifecycle } from './test-broker-lifecycle.ts'

interface Exchange {
  readonly api: string
  readonly version: number
  readonly request: string
  readonly response: string
}

const FILE = new URL('../../test/golden/kraft/broker-joins.jsonl', import.meta.url)
const EXCHANGES = readFileSync(FILE, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Exchange)

/** The requests of one API, without their headers, and the answers. */
function exchangesOf<Request, Response>(api: Api<Request, Response>) {
  return EXCHANGES.filter(({ api: name }) => name === api.name).map(({ version, request, response }) => {
    const reader = new ByteReader(Buffer.from(request, 'hex'))
    readRequestHeader(reader, api, version)
    const body = reader.buffer.subarray(reader.position)
    const answer = () => readResponse(api, version, new ByteReader(Buffer.from(response, 'hex')))
    return { version, body, request: api.request.read(new ByteReader(body), version), answer }
  })
}

test('an observer finds the leader and follows it with the bytes that Kafka’s broker sends', () => {
  const fetches = exchangesOf(Fetch)
  const { clusterId } = fetches[0]!.request
  const controller = { host: '127.0.0.1', port: 22700 }
  const observer = new TestRaft({
    nodeId: 3,
    directoryId: parseUuid('Im0Ljvshn_lgbx7Y1VqZQQ')!,
    mayVote: false,
    endpoints: [],
    bootstrapServers: [controller],
    voters: [{ offset: -1, set: NO_VOTERS }],
  })
  let output = observer.tickAt(0)
  // Kafka asks the address of its configuration twice, before the connection that it knows the leader by is ready.
  for (const { version, body, answer } of fetches.filter((_, index) => index !== 1)) {
    const [outgoing] = output.send
    if (outgoing?.request.kind !== 'fetch') throw new Error('a fetch is due')
    const writer = new ByteWriter()
    Fetch.request.write(writer, fetchRequest(clusterId!, outgoing.request, version), version)
    expect(writer.toBuffer().toString('hex')).toBe(body.toString('hex'))
    output = observer.answer(outgoing, fetchResult(answer()))
    if (output.send.length === 0) output = observer.sync()
  }
  expect(observer.raft.leader).toMatchObject({ leaderId: 1, epoch: 1, endpoint: controller })
  expect(observer.raft.voterSet).toMatchObject({ kraftVersion: 1, voters: [{ id: 1 }] })
  expect(observer.raft.committedTo).toBe(60)
})

test('the registration, the heartbeats and the leave of a broker are Kafka’s, but for the features it has', async () => {
  const { request: registration, answer: registered } = exchangesOf(BrokerRegistration)[0]!
  const heartbeats = exchangesOf(BrokerHeartbeat)
  const clock = new ManualClock()
  const sent: { registrations: unknown[]; heartbeats: unknown[] } = { registrations: [], heartbeats: [] }
  const ready = heartbeats.findIndex(({ request }) => !request.wantFence)
  const leaving = heartbeats.findIndex(({ request }) => request.wantShutDown)
  let next = ready
  let offset = 0
  const controller = {
    registerBroker: async (request: unknown) => {
      sent.registrations.push(request)
      return registered()
    },
    brokerHeartbeat: async (request: unknown) => {
      sent.heartbeats.push(request)
      return heartbeats[next++]!.answer()
    },
  } as unknown as ControllerApi
  const lifecycle = testLifecycle({
    clock,
    controller,
    registration: {
      clusterId: registration.clusterId,
      incarnationId: registration.incarnationId,
      listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 22513, securityProtocol: 'PLAINTEXT' }],
      features: registration.features.map(({ name, minSupportedVersion: min, maxSupportedVersion: max }) => {
        return { name, min, max }
      }),
      rack: 'rack-a',
      directories: registration.logDirs,
    },
    metadataOffset: () => offset,
  })
  offset = 62
  await lifecycle.start()
  expect(sent.registrations).toEqual([registration])
  expect(sent.heartbeats).toEqual([heartbeats[ready]!.request])
  expect(lifecycle.epoch).toBe(60)
  next = leaving
  offset = 110
  const left = lifecycle.controlledShutdown(30_000)
  await clock.advance(50)
  offset = 117
  await clock.advance(2000)
  await left
  expect(sent.heartbeats.slice(1)).toEqual(heartbeats.slice(leaving).map(({ request }) => request))
})

test('a request of a client travels in an envelope with Kafka’s principal and address', () => {
  const { request } = exchangesOf(Envelope)[0]!
  const reader = new ByteReader(Buffer.from(request.requestData))
  readRequestHeader(reader, CreateTopics, 7)
  const created = CreateTopics.request.read(reader, 7)
  const ours = envelopeOf(CreateTopics, 7, created, { clientHost: '/127.0.0.1', clientId: null })
  expect(ours.requestPrincipal).toEqual(request.requestPrincipal)
  expect(ours.clientHostAddress).toEqual(request.clientHostAddress)
  const again = new ByteReader(ours.requestData)
  readRequestHeader(again, CreateTopics, 7)
  expect(CreateTopics.request.read(again, 7)).toEqual(created)
})

test('where replicas lie is told in the one version that there is', () => {
  const { version, request } = exchangesOf(AssignReplicasToDirs)[0]!
  expect(version).toBe(0)
  expect(request).toMatchObject({ brokerId: 3, brokerEpoch: 60 })
})
