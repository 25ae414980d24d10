/** What a share consumer is told; names of Java's options in the docstrings. */
import type { ResolvedClientOptions } from '../client-options.ts'
import { ClientError } from '../errors.ts'
import { callable, flag, needed, number, oneOf, text, withMethods, type Shape } from '../expected.ts'
import { bytes, type Serde } from '../serde.ts'

export interface ShareConsumerOptions<K = Buffer, V = Buffer> {
  /** Bytes if left out. */
  readonly key?: Pick<Serde<K>, 'deserialize'>
  readonly value?: Pick<Serde<V>, 'deserialize'>
  /** The share group (group.id). */
  readonly groupId: string
  /**
   * `implicit`: what has no answer when the next batch is asked for is accepted. `explicit`: each record must have one by then
   * (share.acknowledgement.mode). `implicit` if left out.
   */
  readonly acknowledgement?: 'implicit' | 'explicit'
  /**
   * `batches` takes whole batches as producers made them, `records` never more than `maxPollRecords`; brokers from 4.2
   * (share.acquire.mode: batch_optimized, record_limit). `batches` if left out.
   */
  readonly acquire?: 'batches' | 'records'
  /** Records asked for at a time (max.poll.records). 500. */
  readonly maxPollRecords?: number
  /** fetch.min.bytes. 1. */
  readonly fetchMinBytes?: number
  /** fetch.max.wait.ms. 500. */
  readonly fetchMaxWaitMs?: number
  /** fetch.max.bytes. 52,428,800. */
  readonly fetchMaxBytes?: number
  /** Verifies checksums (check.crcs). True. */
  readonly checkCrcs?: boolean
  /** client.rack */
  readonly rack?: string
  /** Told what became of acknowledgements that nobody waits for; the error is null for success. */
  readonly onAcknowledged?: (topicPartition: string, error: Error | null) => void
}

/** What each of them may be. */
export const SHARE_OPTIONS: Shape<ShareConsumerOptions<unknown, unknown>> = {
  key: withMethods('deserialize'),
  value: withMethods('deserialize'),
  groupId: needed(text),
  acknowledgement: oneOf('implicit', 'explicit'),
  acquire: oneOf('batches', 'records'),
  maxPollRecords: number,
  fetchMinBytes: number,
  fetchMaxWaitMs: number,
  fetchMaxBytes: number,
  checkCrcs: flag,
  rack: text,
  onAcknowledged: callable(),
}

export interface ShareSettings<K, V> extends ResolvedClientOptions {
  readonly key: Pick<Serde<K>, 'deserialize'>
  readonly value: Pick<Serde<V>, 'deserialize'>
  readonly groupId: string
  readonly isExplicit: boolean
  readonly isRecordLimited: boolean
  readonly maxPollRecords: number
  readonly fetchMinBytes: number
  readonly fetchMaxWaitMs: number
  readonly fetchMaxBytes: number
  readonly checkCrcs: boolean
  readonly rack: string
  readonly onAcknowledged: (topicPartition: string, error: Error | null) => void
}

/** @throws ClientError INVALID_ARGUMENT with one sentence. */
export function resolveShareOptions<K, V>(
  client: ResolvedClientOptions,
  options: ShareConsumerOptions<K, V>,
): ShareSettings<K, V> {
  const whole = (key: keyof ShareConsumerOptions, otherwise: number, min: number): number => {
    const value = (options as ShareConsumerOptions)[key] ?? otherwise
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= 0x7fff_ffff) return value
    const range = `from ${min} to 2147483647`
    throw new ClientError('INVALID_ARGUMENT', `${key} must be a whole number ${range}, and is ${String(value)}.`)
  }
  if (typeof options.groupId !== 'string' || options.groupId.trim() === '') {
    throw new ClientError('INVALID_ARGUMENT', 'A share consumer needs a groupId.')
  }
  return {
    ...client,
    // Without a serde K and V are Buffer: that is what the options' defaults say.
    key: options.key ?? (bytes() as unknown as Serde<K>),
    value: options.value ?? (bytes() as unknown as Serde<V>),
    groupId: options.groupId,
    isExplicit: options.acknowledgement === 'explicit',
    isRecordLimited: options.acquire === 'records',
    maxPollRecords: whole('maxPollRecords', 500, 1),
    fetchMinBytes: whole('fetchMinBytes', 1, 0),
    fetchMaxWaitMs: whole('fetchMaxWaitMs', 500, 0),
    fetchMaxBytes: whole('fetchMaxBytes', 52_428_800, 1),
    checkCrcs: options.checkCrcs ?? true,
    rack: options.rack ?? '',
    onAcknowledged:
      options.onAcknowledged ??
      ((key, error) => {
        if (error !== null) client.logger.warn(`Acknowledging records of ${key} failed: ${error.message}`)
      }),
  }
}
