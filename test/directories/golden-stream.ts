/** A stream with what Kafka 4.3.1 answered to it and left on its disk, as one file. */
import { gunzipSync, gzipSync } from 'node:zlib'
import type { ProduceStream, StreamMarker, StreamRequest, StreamSession } from './produce-stream.ts'
import type { BatchAnswer } from './send-stream.ts'

export interface Golden {
  readonly stream: ProduceStream
  readonly answers: readonly BatchAnswer[]
  /** By path below the log directory. */
  readonly files: ReadonlyMap<string, Buffer>
  /** Of transactions; see transaction-view.ts. */
  readonly views: readonly string[]
}

type Batch = StreamRequest['batches'][number]

interface PlainGolden {
  readonly topics: ProduceStream['topics']
  readonly sessions: readonly {
    readonly end: StreamSession['end']
    readonly requests: readonly {
      readonly acks: number
      readonly batches: readonly (readonly [string, number, string])[]
      readonly markers?: readonly StreamMarker[]
    }[]
  }[]
  readonly answers: readonly BatchAnswer[]
  readonly files: readonly (readonly [string, string])[]
  readonly views?: readonly string[]
}

export function encodeGolden({ stream, answers, files, views }: Golden): Buffer {
  const plain: PlainGolden = {
    topics: stream.topics,
    sessions: stream.sessions.map(({ end, requests }) => ({
      end,
      requests: requests.map(({ acks, batches, ...markers }) => ({
        ...markers,
        acks,
        batches: batches.map(
          ({ topic, partition, records }) => [topic, partition, records.toString('base64')] as const,
        ),
      })),
    })),
    answers,
    files: [...files].map(([name, bytes]) => [name, bytes.toString('base64')] as const),
    views,
  }
  return gzipSync(JSON.stringify(plain), { level: 9 })
}

export function decodeGolden(bytes: Buffer): Golden {
  const { topics, sessions, answers, files, views = [] } = JSON.parse(gunzipSync(bytes).toString()) as PlainGolden
  return {
    stream: {
      topics,
      sessions: sessions.map(({ end, requests }) => ({
        end,
        requests: requests.map(({ batches, ...request }) => ({ ...request, batches: batches.map(decodeBatch) })),
      })),
    },
    answers,
    files: new Map(files.map(([name, content]) => [name, Buffer.from(content, 'base64')])),
    views,
  }
}

function decodeBatch([topic, partition, records]: readonly [string, number, string]): Batch {
  return { topic, partition, records: Buffer.from(records, 'base64') }
}
