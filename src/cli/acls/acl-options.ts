/** What kafka-acls.sh is asked, checked in Kafka's order. */
import { checkInvalid, toolOptions, usageFailure } from '../options/option-checks.ts'
import { COMMON_OPTIONS, flag, optionalValue, value, type OptionTable } from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'

export const ACL_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': value('server to connect to', 'host:port of one or more brokers, with commas.'),
  'bootstrap-controller': value('controller to connect to', 'host:port of one or more controllers, with commas.'),
  'command-config': optionalValue('command-config', 'Properties file for the client that the tool makes.'),
  add: flag('Add ACLs.'),
  remove: flag('Remove ACLs; all of the resources if no principal is named.'),
  list: flag('List ACLs; of the resources that are named, or of all.'),
  topic: value('topic', 'A topic; * for all.'),
  group: value('group', 'A consumer group; * for all.'),
  cluster: flag('The cluster itself.'),
  'transactional-id': value('transactional-id', 'A transactional id; * for all.'),
  'delegation-token': value('delegation-token', 'A delegation token; * for all.'),
  'user-principal': value('user-principal', 'A user as the resource, for CreateTokens and DescribeTokens.'),
  'resource-pattern-type': value(
    null,
    'literal or prefixed; for --list and --remove also any (the name as it is, whatever the type) and match (all that applies to the name).',
    { defaultValue: 'LITERAL' },
  ),
  operation: value(
    null,
    'The operation: Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit or All.',
    { defaultValue: 'All' },
  ),
  'allow-principal': value('allow-principal', 'Who may: type:name, as User:alice; User:* for all.'),
  'deny-principal': value('deny-principal', 'Who must not: type:name. This wins over what is allowed.'),
  principal: optionalValue('principal', 'Only ACLs of this principal, with --list.'),
  'allow-host': value('allow-host', 'From where --allow-principal may; all if left out.'),
  'deny-host': value('deny-host', 'From where --deny-principal must not; all if left out.'),
  producer: flag('All that a producer needs: Write, Describe and Create on the topics.'),
  consumer: flag('All that a consumer needs: Read and Describe on the topics, Read on the groups.'),
  idempotent: flag('IdempotentWrite on the cluster too, with --producer.'),
  force: flag('Do not ask before removing.'),
} satisfies OptionTable

export type AclOptions = Options<keyof typeof ACL_OPTIONS>

export function aclOptions(argv: readonly string[]): AclOptions {
  const options = toolOptions(ACL_OPTIONS, argv, 'This tool helps to manage acls on kafka.', true)
  const refuse = (sentence: string) => usageFailure(ACL_OPTIONS, sentence)
  const endpoints = (['bootstrap-server', 'bootstrap-controller'] as const).filter((name) => options.has(name)).length
  if (endpoints === 2) throw refuse('Only one of --bootstrap-server or --bootstrap-controller must be specified')
  if (endpoints === 0) throw refuse('One of --bootstrap-server or --bootstrap-controller must be specified')
  if ((['add', 'remove', 'list'] as const).filter((name) => options.has(name)).length !== 1) {
    throw refuse('Command must include exactly one action: --list, --add, --remove. ')
  }
  checkInvalid(options, 'list', 'producer', 'consumer', 'allow-host', 'allow-principal', 'deny-host', 'deny-principal')
  checkInvalid(options, 'producer', 'operation', 'deny-principal', 'deny-host')
  checkInvalid(options, 'consumer', 'operation', 'deny-principal', 'deny-host')
  if (options.has('principal') && !options.has('list')) {
    throw refuse('The --principal option is only available if --list is set')
  }
  if (options.has('producer') && !options.has('topic')) throw refuse('With --producer you must specify a --topic')
  if (options.has('idempotent') && !options.has('producer')) {
    throw refuse('The --idempotent option is only available if --producer is set')
  }
  if (!options.has('consumer')) return options
  const isMore = options.has('cluster') || options.has('transactional-id')
  if (!options.has('topic') || !options.has('group') || (!options.has('producer') && isMore)) {
    throw refuse(
      'With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified.',
    )
  }
  return options
}
