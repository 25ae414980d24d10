/** A stream with what Kafka 4.3.1 answered to it and left on its disk, as one file. */
import { gunzipSync, gzipSync } from 'node:zlib'
import type { ProduceStream, StreamRequest, StreamSession } from './produce-stream.ts'
import type { BatchAnswer } from './send-stream.ts'

export interface Golden {
  readonly stream: ProduceStream
  readonly answers: readonly BatchAnswer[]
  /** By path below the log directory. */
  readonly files: ReadonlyMap<string, Buffer>
}

type Batch = StreamRequest['batches'][number]

interface PlainGolden {
  readonly topics: ProduceStream['topics']
  readonly sessions: readonly {
    readonly end: StreamSession['end']
    readonly requests: readonly {
      readonly acks: number
      readonly batches: readonly (readonly [string, number, string])[]
    }[]
  }[]
  readonly answers: readonly BatchAnswer[]
  readonly files: readonly (readonly [string, string])[]
}

export function encodeGolden({ stream, answers, files }: Golden): Buffer {
  const plain: PlainGolden = {
    topics: stream.topics,
    sessions: stream.sessions.map(({ end, requests }) => ({
      end,
      requests: requests.map(({ acks, batches }) => ({
        acks,
        batches: batches.map(
          ({ topic, partition, records }) => [topic, partition, records.toString('base64')] as const,
        ),
      })),
    })),
    answers,
    files: [...files].map(([name, bytes]) => [name, bytes.toString('base64')] as const),
  }
  return gzipSync(JSON.stringify(plain), { level: 9 })
}

export function decodeGolden(bytes: Buffer): Golden {
  const { topics, sessions, answers, files } = JSON.parse(gunzipSync(bytes).toString()) as PlainGolden
  return {
    stream: {
      topics,
      sessions: sessions.map(({ end, requests }) => ({
        end,
        requests: requests.map(({ acks, batches }) => ({ acks, batches: batches.map(decodeBatch) })),
      })),
    },
    answers,
    files: new Map(files.map(([name, content]) => [name, Buffer.from(content, 'base64')])),
  }
}

function decodeBatch([topic, partition, records]: readonly [string, number, string]): Batch {
  return { topic, partition, records: Buffer.from(records, 'base64') }
}
