/**
 * What methods of the producer may be given, but for records: those are looked at where they are taken, and only as far as
 * that costs nothing (record-intake.ts, record-bytes.ts).
 */
import { CALL_OPTIONS, exactly, type MethodTable } from '../check-options.ts'
import { anything, callable, duration, list, name, needed, open, orNull, text, whole } from '../expected.ts'
import type { ConsumerGroupMetadata } from '../consumer/consumer.ts'
import type { TopicPartitionOffset } from './producer-record.ts'

const options = exactly(CALL_OPTIONS)

export const PRODUCER_REJECTS: MethodTable<
  | 'sendAll'
  | 'flush'
  | 'partitionsFor'
  | 'initTransactions'
  | 'beginTransaction'
  | 'commitTransaction'
  | 'abortTransaction'
  | 'sendOffsets'
  | 'transaction'
  | 'close'
> = {
  sendAll: { records: needed({ ...list(anything()), inside: () => {} }), options },
  flush: { options },
  partitionsFor: { topic: needed(name), options },
  initTransactions: { options },
  beginTransaction: { options },
  commitTransaction: { options },
  abortTransaction: { options },
  sendOffsets: {
    offsets: needed(list(anything<TopicPartitionOffset>())),
    group: needed(
      open<ConsumerGroupMetadata>({
        groupId: needed(text),
        generationId: needed(whole),
        memberId: needed(text),
        groupInstanceId: needed(orNull(text)),
      }),
    ),
    options,
  },
  transaction: { work: needed(callable()), options },
  close: { options: exactly<{ readonly timeoutMs?: number }>({ timeoutMs: duration }) },
}
