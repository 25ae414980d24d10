/** The command line of kafka-replica-verification.sh. */
import { checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import { COMMON_OPTIONS, value, type OptionTable } from '../options/option-table.ts'
import { topicFilter } from '../text/topic-filter.ts'

export const REPLICA_VERIFICATION_OPTIONS = {
  ...COMMON_OPTIONS,
  'broker-list': value('hostname:port,...,hostname:port', 'REQUIRED: host:port of one or more brokers, with commas.'),
  'fetch-size': value('bytes', 'The most that one fetch brings of a partition.', {
    type: 'Integer',
    defaultValue: '1048576',
  }),
  'max-wait-ms': value('ms', 'How long a broker waits for records.', { type: 'Integer', defaultValue: '1000' }),
  'topics-include': value('Java regex (String)', 'A regular expression for topics.', { defaultValue: '.*' }),
  time: value(
    'timestamp/-1(latest)/-2(earliest)',
    'Where to begin: a time in ms since 1970, the end or the beginning.',
    {
      type: 'Long',
      defaultValue: '-1',
    },
  ),
  'report-interval-ms': value('ms', 'Milliseconds between two reports.', { type: 'Long', defaultValue: '30000' }),
} satisfies OptionTable

export interface ReplicaVerificationCommand {
  readonly servers: string
  readonly fetchBytes: number
  readonly maxWaitMs: number
  readonly isIncluded: (topic: string) => boolean
  /** -1: the end, -2: the beginning. */
  readonly timeMs: number
  readonly reportMs: number
}

/** @throws ToolExit, OptionError */
export function replicaVerificationCommand(argv: readonly string[]): ReplicaVerificationCommand {
  const about = 'Validate that all replicas for a set of topics have the same data.'
  const options = toolOptions(REPLICA_VERIFICATION_OPTIONS, argv, about)
  checkRequired(options, 'broker-list')
  const servers = options.value('broker-list') ?? ''
  if (!servers.split(',').every((server) => /^.+:\d+$/.test(server.trim()))) {
    throw usageFailure(options.table, 'Please provide valid host:port like host1:9091,host2:9092\n ')
  }
  return {
    servers,
    fetchBytes: options.integer('fetch-size') ?? 0,
    maxWaitMs: options.integer('max-wait-ms') ?? 0,
    isIncluded: topicFilter(options.value('topics-include') ?? ''),
    timeMs: options.integer('time') ?? -1,
    reportMs: options.integer('report-interval-ms') ?? 0,
  }
}
