/** What goes into a producer and what comes out: records, where they were written, and what became of a batch. */

/** What a producer without serdes takes as key, value or header value. Strings are written as UTF-8. */
export type Bytes = string | Uint8Array

/**
 * In the order in which they are written. An object for the usual case; pairs where a key occurs twice or the order matters.
 */
export type HeadersInit =
  | Readonly<Record<string, Bytes | null>>
  | readonly (readonly [key: string, value: Bytes | null])[]

export interface ProducerRecord<Key = Bytes, Value = Bytes> {
  readonly topic: string
  /** Records of one key go to one partition. Null, or left out: none. */
  readonly key?: Key | null
  /** Null is a tombstone: it deletes the key in a compacted topic. */
  readonly value?: Value | null
  readonly headers?: HeadersInit
  /** Milliseconds since 1970. The time of sending if left out. */
  readonly timestamp?: number
  /** Chosen by the partitioner if left out. */
  readonly partition?: number
}

export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  /** -1 with acks 0, and for a duplicate whose offset the broker has forgotten. */
  readonly offset: number
  /** Milliseconds since 1970: the record's own, or the broker's where the topic is set to log-append time. */
  readonly timestamp: number
}

/** What became of one batch of records, or of one record that did not reach a batch. */
export interface Delivery {
  readonly topic: string
  /** -1: it was never chosen. */
  readonly partition: number
  /** Of the first record; -1 if unknown. The others follow one by one. */
  readonly baseOffset: number
  readonly records: number
  /** The broker's time for all of them where the topic is set to log-append time, else -1. */
  readonly logAppendTimeMs: number
  /** First offset of the partition's log when the broker answered; -1 if it did not tell. */
  readonly logStartOffset: number
  /** Null: they are written. */
  readonly error: Error | null
}

/** An offset to commit: that of the next record to be read. */
export interface TopicPartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Of the record before; left out or -1: unknown. */
  readonly leaderEpoch?: number
  readonly metadata?: string | null
}
