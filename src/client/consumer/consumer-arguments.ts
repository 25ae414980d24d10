/**
 * What methods of the consumers may be given. Points to commit are looked at where they are read, since they may be an
 * iterable that gives them once.
 */
import { CALL_OPTIONS, exactly, type MethodTable } from '../check-options.ts'
import {
  anything,
  duration,
  either,
  isObject,
  list,
  name,
  needed,
  number,
  oneOf,
  open,
  signal,
  whole,
  type Expected,
  type Shape,
} from '../expected.ts'
import type { CommitPoint } from './committer.ts'
import type { CloseOptions, PollOptions } from './consumer.ts'
import { SubscriptionPattern, type Topics } from './subscription.ts'
import type { TopicPartition } from './topic-partition.ts'

const PARTITION: Shape<TopicPartition> = { topic: needed(name), partition: needed(whole) }
const partition = needed(open(PARTITION))
const partitions = list(open(PARTITION))
const some = needed(partitions)
/** As a `commit` takes them: here it would be left out in silence. */
const noOffset: Expected<never> = {
  words: 'left out: seek to it after assign',
  isNeeded: false,
  accepts: (value) => value === undefined,
  inside: () => {},
}
const assigned = needed(list(open<TopicPartition & { offset?: never }>({ ...PARTITION, offset: noOffset })))
const options = exactly(CALL_OPTIONS)
const loop = { options: exactly<{ readonly signal?: AbortSignal }>({ signal }) }
const poll = { options: exactly<PollOptions>({ timeoutMs: duration, signal }) }
const names = either(name, list(name))

const topics: Expected<Topics> = {
  isNeeded: false,
  words: 'a name, a list of names, a RegExp or a SubscriptionPattern',
  accepts: (value) => names.accepts(value) || value instanceof RegExp || value instanceof SubscriptionPattern,
  inside: (value: unknown, place) => {
    if (Array.isArray(value)) names.inside(value as never, place)
  },
}

const points: Expected<Iterable<CommitPoint>> = {
  words: 'a list of { topic, partition, offset }',
  isNeeded: false,
  accepts: (value) => isObject(value) && Symbol.iterator in value,
  inside: () => {},
}

export const CONSUMER_THROWS: MethodTable<
  | 'subscribe'
  | 'assign'
  | 'batches'
  | 'records'
  | 'commitLater'
  | 'seek'
  | 'seekToBeginning'
  | 'seekToEnd'
  | 'pause'
  | 'resume'
  | 'lag'
> = {
  subscribe: { topics: needed(topics) },
  assign: { partitions: assigned },
  batches: loop,
  records: loop,
  commitLater: { points },
  seek: {
    partition,
    // The offset itself is looked at by seek.
    to: needed(
      either(
        number,
        open<{ offset: number; leaderEpoch?: number }>({ offset: needed(anything()), leaderEpoch: whole }),
      ),
    ),
  },
  seekToBeginning: { partitions },
  seekToEnd: { partitions },
  pause: { partitions: some },
  resume: { partitions: some },
  lag: { partition },
}

export const CONSUMER_REJECTS: MethodTable<
  | 'unsubscribe'
  | 'poll'
  | 'commit'
  | 'committed'
  | 'position'
  | 'beginningOffsets'
  | 'endOffsets'
  | 'offsetsForTimes'
  | 'close'
> = {
  unsubscribe: { options },
  poll,
  commit: { points, options },
  committed: { partitions: some, options },
  position: { partition, options },
  beginningOffsets: { partitions: some, options },
  endOffsets: { partitions: some, options },
  offsetsForTimes: {
    questions: needed(
      list(open<TopicPartition & { readonly timestampMs: number }>({ ...PARTITION, timestampMs: needed(number) })),
    ),
    options,
  },
  close: { options: exactly<CloseOptions>({ ...CALL_OPTIONS, membership: oneOf('default', 'leave', 'remain') }) },
}

export const SHARE_CONSUMER_THROWS: MethodTable<'subscribe' | 'batches' | 'records'> = {
  subscribe: { topics: needed(names) },
  batches: loop,
  records: loop,
}

export const SHARE_CONSUMER_REJECTS: MethodTable<'poll' | 'commit' | 'close'> = {
  poll,
  commit: { options },
  close: { options },
}
