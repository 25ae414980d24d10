/**
 * What transactions look like from outside, as text lines that two brokers must agree on: the last stable offset, the
 * producers, and the records that a read_committed consumer sees when it reads on and on in small pieces.
 */
import { DescribeProducers } from '../../src/protocol/generated/describe-producers.ts'
import { Fetch } from '../../src/protocol/generated/fetch.ts'
import { ListOffsets } from '../../src/protocol/generated/list-offsets.ts'
import { isControl, isTransactional, nextOffset, producerId } from '../../src/records/batch.ts'
import { BatchCursor } from '../../src/records/batches.ts'
import { readControlKey } from '../../src/records/control.ts'
import { readRecords } from '../../src/records/record-reader.ts'
import type { ClientConnection } from '../../src/rpc/client-connection.ts'
import { BROKER_TIME_BELOW_MS } from './broker-times.ts'
import type { StreamTopic } from './produce-stream.ts'

const READ_COMMITTED = 1
/** Small, so that many reads begin in the middle of a transaction. */
const READ_BYTES = 700

export async function transactionView(client: ClientConnection, topics: readonly StreamTopic[]): Promise<string[]> {
  const lines: string[] = []
  for (const { name, partitions } of topics) {
    for (let partition = 0; partition < partitions; partition++) {
      const where = `${name}-${partition}`
      lines.push(`${where}: ends at ${await endOf(client, name, partition, 0)}`)
      const stable = await endOf(client, name, partition, READ_COMMITTED)
      lines.push(`${where}: stable to ${stable}`)
      lines.push(`${where}: producers ${JSON.stringify(await producersOf(client, name, partition))}`)
      lines.push(`${where}: committed ${(await committedOf(client, name, partition)).join(' ')}`)
    }
  }
  return lines
}

async function endOf(
  client: ClientConnection,
  name: string,
  partitionIndex: number,
  isolationLevel: number,
): Promise<string> {
  const { topics } = await client.request(ListOffsets, 7, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name, partitions: [{ partitionIndex, timestamp: -1 }] }],
  })
  const { errorCode, offset } = topics[0]!.partitions[0]!
  return errorCode === 0 ? String(offset) : `error ${errorCode}`
}

async function producersOf(client: ClientConnection, name: string, partition: number): Promise<unknown[]> {
  const { topics } = await client.request(DescribeProducers, 0, { topics: [{ name, partitionIndexes: [partition] }] })
  return topics[0]!.partitions[0]!.activeProducers.map((producer) => ({
    ...producer,
    producerId: String(producer.producerId),
    currentTxnStartOffset: String(producer.currentTxnStartOffset),
    lastTimestamp: producer.lastTimestamp < BROKER_TIME_BELOW_MS ? 'now' : String(producer.lastTimestamp),
  })).sort((left, right) => Number(left.producerId) - Number(right.producerId))
}

/** As consumers do: a producer's records are left out from where it aborted on, until its marker. */
async function committedOf(client: ClientConnection, topic: string, partition: number): Promise<number[]> {
  const seen: number[] = []
  for (let fetchOffset = 0; ;) {
    const { responses } = await client.request(Fetch, 11, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: READ_BYTES,
      isolationLevel: READ_COMMITTED,
      sessionEpoch: -1,
      topics: [
        {
          topic,
          partitions: [{ partition, fetchOffset, currentLeaderEpoch: -1, partitionMaxBytes: READ_BYTES }],
        },
      ],
    })
    const answer = responses[0]!.partitions[0]!
    if (answer.errorCode !== 0) throw new Error(`${topic}-${partition} at ${fetchOffset}: error ${answer.errorCode}`)
    const records = answer.records ?? Buffer.alloc(0)
    const aborted = [...(answer.abortedTransactions ?? [])].sort(
      (a, b) => Number(a.firstOffset) - Number(b.firstOffset),
    )
    const skipping = new Set<string>()
    const cursor = new BatchCursor().reset(records)
    let next = fetchOffset
    while (cursor.next()) {
      const { at } = cursor
      const batch = cursor.bytes
      const id = String(producerId(batch, at))
      while (aborted[0] !== undefined && aborted[0].firstOffset < nextOffset(batch, at))
        skipping.add(String(aborted.shift()!.producerId))
      next = nextOffset(batch, at)
      if (isControl(batch, at)) {
        if (readControlKey(readRecords(batch, at)[0]?.key ?? null) === 'ABORT') skipping.delete(id)
      } else if (!isTransactional(batch, at) || !skipping.has(id)) {
        for (const { offset } of readRecords(batch, at)) if (offset >= fetchOffset) seen.push(offset)
      }
    }
    if (next === fetchOffset) return seen
    fetchOffset = next
  }
}
