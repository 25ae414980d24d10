import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { OperationalError } from '../base/errors.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { Fetch, type FetchRequest, type FetchResponse } from '../protocol/generated/fetch.ts'
import { ListOffsets } from '../protocol/generated/list-offsets.ts'
import type { Init } from '../protocol/codec.ts'
import { ApiVersionTable } from '../rpc/api-version-table.ts'
import type { BrokerConnection } from '../rpc/broker-connection.ts'
import type { Lent } from '../rpc/client-connection.ts'
import type { FetchPlace } from '../rpc/fetch-session.ts'
import { RemoteLeader, fetchVersionFor, placeKey } from './leader-link.ts'

const TOPIC_ID = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg') as Uuid
const SETTINGS = { waitMaxMs: 500, minBytes: 1, responseMaxBytes: 10_000, maxBytes: 1_000, backoffMs: 1_000 }

interface Asked {
  readonly version: number
  readonly request: FetchRequest
}

/** A leader that answers what it is told to, over as many connections as are asked for. */
class ScriptedLeader {
  readonly asked: Asked[] = []
  readonly #answers: (Init<FetchResponse> | Error)[] = []
  dials = 0
  /** Dials that fail. */
  unreachable = 0
  /** Answers whose memory wasn't given back. */
  lent = 0
  isClosed = false

  answers(...answers: (Init<FetchResponse> | Error)[]): void {
    this.#answers.push(...answers)
  }

  dial = (): Promise<BrokerConnection> => {
    this.dials++
    if (this.unreachable-- > 0) return Promise.reject(new OperationalError('NETWORK_FAILED', 'nobody is there'))
    this.isClosed = false
    const versions = new ApiVersionTable({
      apiKeys: [
        { apiKey: Fetch.key, minVersion: 4, maxVersion: 18 },
        { apiKey: ListOffsets.key, minVersion: 1, maxVersion: 11 },
      ],
    })
    const borrow = async (
      api: typeof Fetch,
      message: Init<FetchRequest>,
      options: { versions: { max: number } },
    ): Promise<Lent<FetchResponse>> => {
      this.asked.push({ version: options.versions.max, request: api.request.make(message) })
      const answer = this.#answers.shift() ?? {}
      if (answer instanceof Error) throw answer
      this.lent++
      const memory = { retain: () => this.lent++, release: () => this.lent-- }
      return { answer: api.response.make(answer), memory }
    }
    const isClosed = (): boolean => this.isClosed
    const connection = {
      versions,
      borrow,
      request: () => Promise.resolve({ topics: [{ partitions: [{ errorCode: 0, offset: 7 }] }] }),
      get isClosed() {
        return isClosed()
      },
      close: () => (this.isClosed = true),
    }
    return Promise.resolve(connection as unknown as BrokerConnection)
  }

  /** Session, the partitions that were named and those that were forgotten, of each fetch. */
  sessions(): string[] {
    return this.asked.map(({ request: { sessionId, sessionEpoch, topics, forgottenTopicsData } }) => {
      const named = topics.flatMap(({ partitions }) => partitions.map(({ partition }) => partition))
      const forgotten = forgottenTopicsData.flatMap(({ partitions }) => partitions)
      return `${sessionId}/${sessionEpoch}: ${named.join(',')} -${forgotten.join(',')}`
    })
  }
}

function placesOf(...partitions: readonly (readonly [number, number])[]): Map<string, FetchPlace> {
  return new Map(
    partitions.map(([partition, fetchOffset]) => {
      const epochs = { currentLeaderEpoch: 3, lastFetchedEpoch: 2 }
      const place = { topic: 't', topicId: TOPIC_ID, partition, fetchOffset, logStartOffset: 0, maxBytes: 9, ...epochs }
      return [placeKey(TOPIC_ID, partition), place]
    }),
  )
}

function linkTo(leader: ScriptedLeader, metadataVersion = 30): RemoteLeader {
  return new RemoteLeader(
    leader.dial,
    () => ({ nodeId: 7, brokerEpoch: 70, metadataVersion }),
    () => SETTINGS,
  )
}

test('a session says only what is new, and begins anew after what went wrong', async () => {
  const leader = new ScriptedLeader()
  const link = linkTo(leader)
  const session = { sessionId: 5 }
  leader.answers(session, session, session)
  await link.fetch(placesOf([0, 1], [1, 1]))
  await link.fetch(placesOf([0, 1], [1, 4]))
  await link.fetch(placesOf([1, 4]))
  leader.answers({ errorCode: ERROR_CODES.INVALID_FETCH_SESSION_EPOCH }, session)
  expect((await link.fetch(placesOf([1, 4]))).partitions.size).toBe(0)
  await link.fetch(placesOf([1, 4]))
  leader.answers({ errorCode: ERROR_CODES.FETCH_SESSION_ID_NOT_FOUND }, session)
  expect((await link.fetch(placesOf([1, 4]))).partitions.size).toBe(0)
  await link.fetch(placesOf([1, 4]))
  leader.answers(new OperationalError('NETWORK_FAILED', 'no'), session)
  await expect(link.fetch(placesOf([1, 4]))).rejects.toThrow('no')
  await link.fetch(placesOf([1, 4]))
  leader.answers({ errorCode: ERROR_CODES.INCONSISTENT_TOPIC_ID })
  await expect(link.fetch(placesOf([1, 4]))).rejects.toMatchObject({ code: 'INCONSISTENT_TOPIC_ID' })
  expect(leader.sessions()).toEqual([
    '0/0: 0,1 -',
    '5/1: 1 -',
    '5/2:  -0',
    '5/3:  -',
    '5/0: 1 -',
    '5/1:  -',
    '0/0: 1 -',
    '5/1:  -',
    '0/0: 1 -',
    '5/1:  -',
  ])
  expect(leader.dials).toBe(1)
})

test('who asks while the leader is dialled takes that connection; after one that failed it is dialled anew', async () => {
  const leader = new ScriptedLeader()
  const link = linkTo(leader)
  leader.unreachable = 1
  const [place] = placesOf([0, 1]).values()
  if (place === undefined) throw new Error('there is no place')
  const failed = [link.fetch(placesOf([0, 1])), link.offset(place, 'latest')]
  expect((await Promise.allSettled(failed)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(leader.dials).toBe(1)
  const found = [link.offset(place, 'earliest'), link.offset(place, 'latest')]
  const { memory } = await link.fetch(placesOf([0, 1]))
  memory?.release()
  expect([await Promise.all(found), leader.dials, leader.sessions()]).toEqual([[7, 7], 2, ['0/0: 0 -']])
})

test('the memory of an answer goes to who asked, unless the answer is an error', async () => {
  const leader = new ScriptedLeader()
  const link = linkTo(leader)
  leader.answers({ sessionId: 5 }, { errorCode: ERROR_CODES.INCONSISTENT_TOPIC_ID })
  const { memory } = await link.fetch(placesOf([0, 1]))
  expect(leader.lent).toBe(1)
  memory?.release()
  await expect(link.fetch(placesOf([0, 1]))).rejects.toMatchObject({ code: 'INCONSISTENT_TOPIC_ID' })
  expect(leader.lent).toBe(0)
})

test('a connection that broke is made again, with a session of its own', async () => {
  const leader = new ScriptedLeader()
  const link = linkTo(leader)
  leader.answers({ sessionId: 5 }, { sessionId: 6 })
  await link.fetch(placesOf([0, 1]))
  leader.isClosed = true
  await link.fetch(placesOf([0, 1]))
  expect([leader.dials, ...leader.sessions()]).toEqual([2, '0/0: 0 -', '0/0: 0 -'])
})

test('the version follows metadata.version, and says who follows in its own way', async () => {
  const levels = [1, 7, 8, 9, 10, 18, 19, 20, 21, 26, 27, 30]
  expect(levels.map(fetchVersionFor)).toEqual([12, 13, 13, 14, 15, 15, 16, 16, 17, 17, 18, 18])
  const part = { partitionIndex: 0, highWatermark: 4 }
  for (const [level, topic] of [
    [1, { topic: 't', partitions: [part] }],
    [7, { topicId: TOPIC_ID, partitions: [part] }],
    [10, { topicId: TOPIC_ID, partitions: [part] }],
  ] as const) {
    const leader = new ScriptedLeader()
    leader.answers({ responses: [topic] })
    const answer = await linkTo(leader, level).fetch(placesOf([0, 1]))
    expect(answer.partitions.get(placeKey(TOPIC_ID, 0))?.highWatermark).toBe(4)
    const [{ version, request }] = leader.asked as [Asked]
    expect(version).toBe(fetchVersionFor(level))
    expect([request.replicaId, request.replicaState.replicaId, Number(request.replicaState.replicaEpoch)]).toEqual(
      version >= 15 ? [-1, 7, 70] : [7, -1, -1],
    )
    expect(request.topics[0]?.partitions[0]).toMatchObject({
      fetchOffset: 1,
      currentLeaderEpoch: 3,
      lastFetchedEpoch: 2,
      logStartOffset: 0,
      partitionMaxBytes: 9,
    })
  }
})
