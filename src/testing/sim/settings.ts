/**
 * The settings of one run, drawn from its seed: limits are shrunk until rolls, retention, snapshots, time-outs and full
 * indexes happen within seconds.
 */
import type { SeededRandom } from '../seeded-random.ts'

export interface Settings {
  readonly broker: Readonly<Record<string, string>>
  readonly logDirectories: readonly string[]
  readonly tailCacheBytes: number
  /** Of which half are for log files. */
  readonly openFilesMax: number
  /** How long faults come. */
  readonly faultMs: number
  readonly powerLoss: boolean
  /** Overrides of each topic that the workloads use. */
  readonly topics: readonly TopicSettings[]
}

export interface TopicSettings {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
  /** What is acknowledged survives a power loss. */
  readonly durable: boolean
  /** Old records may go. */
  readonly retention: boolean
}

export const DATA_DIRECTORIES = ['/data-a', '/data-b'] as const

export function drawSettings(random: SeededRandom, quick: boolean): Settings {
  const pick = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)] as T
  const logDirectories = random.chance(0.4) ? [...DATA_DIRECTORIES] : [DATA_DIRECTORIES[0]]
  const broker: Record<string, string> = {
    'log.dirs': logDirectories.join(','),
    'num.partitions': '2',
    'log.flush.offset.checkpoint.interval.ms': pick('300', '1000', '5000'),
    'log.flush.start.offset.checkpoint.interval.ms': pick('300', '1000', '5000'),
    'replica.high.watermark.checkpoint.interval.ms': pick('300', '1000', '5000'),
    'log.retention.check.interval.ms': pick('500', '2000'),
    'log.initial.task.delay.ms': pick('100', '1000'),
    'log.flush.scheduler.interval.ms': pick('200', '1000', '9223372036854775807'),
    'log.segment.delete.delay.ms': pick('0', '100', '1000'),
    'metadata.log.max.record.bytes.between.snapshots': pick('500', '2000', '20000'),
    'metadata.log.max.snapshot.interval.ms': pick('0', '2000', '3600000'),
    'metadata.max.idle.interval.ms': pick('500', '2000'),
    'group.min.session.timeout.ms': '100',
    'offsets.topic.num.partitions': pick('1', '2'),
    'offsets.topic.segment.bytes': pick('1048576', '104857600'),
    'group.initial.rebalance.delay.ms': pick('0', '100'),
    'group.coordinator.append.linger.ms': pick('0', '5'),
    'offsets.commit.timeout.ms': pick('1000', '5000'),
    'max.incremental.fetch.session.cache.slots': pick('1', '2', '1000'),
    // Longer than any retry: whose id expired meanwhile writes twice, in Kafka too.
    'producer.id.expiration.ms': '600000',
    'producer.id.expiration.check.interval.ms': '500',
    'connections.max.idle.ms': pick('3000', '600000'),
    'auto.create.topics.enable': 'false',
  }
  if (random.chance(0.3)) broker['metadata.log.dir'] = '/metadata'
  const topics = ['alpha', 'beta', 'gamma'].slice(0, random.between(2, 3)).map((name, at): TopicSettings => {
    const durable = random.chance(0.4)
    const retention = at === 1 && random.chance(0.7)
    const configs: Record<string, string> = {
      'internal.segment.bytes': pick('4000', '10000', '50000', '1000000'),
      'segment.index.bytes': pick('24', '120', '10485760'),
      'index.interval.bytes': pick('0', '200', '4096'),
    }
    if (durable) configs['flush.messages'] = '1'
    else if (random.chance(0.3)) configs['flush.ms'] = pick('500', '2000')
    if (random.chance(0.15)) configs['segment.ms'] = pick('1000', '5000')
    if (random.chance(0.2)) configs['message.timestamp.type'] = 'LogAppendTime'
    if (random.chance(0.2)) configs['compression.type'] = pick('gzip', 'lz4', 'uncompressed')
    if (random.chance(0.2)) configs['preallocate'] = 'true'
    if (retention) {
      if (random.chance(0.5)) configs['retention.bytes'] = pick('3000', '20000')
      else configs['retention.ms'] = pick('1000', '5000')
    }
    return { name, partitions: random.between(1, 3), configs, durable, retention }
  })
  return {
    broker,
    logDirectories,
    tailCacheBytes: pick(0, 1500, 30_000, 32 << 20),
    faultMs: quick ? 6000 : 45_000,
    powerLoss: random.chance(0.4),
    topics,
    openFilesMax: pick(8, 20, 1000),
  }
}
