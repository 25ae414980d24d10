/** kafka-consumer-groups.sh: groups of consumers listed, described, deleted; their offsets set and deleted. */
import type { AdminClient } from '../../client/admin/admin.ts'
import { KafkaError } from '../../base/errors.ts'
import { clientSentence, isKafkaError, isTlsFailure, makeAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { nameOf, partitionsOfTopics } from '../offsets/offset-plan.ts'
import { columns } from '../text/columns.ts'
import { javaError } from '../text/java-exceptions.ts'
import { ToolExit } from '../tool/tool-exit.ts'
import { isOutside, type Terminal, type Tool, type ToolHost } from '../tool/tool.ts'
import { consumerGroupsOptions, usage } from './consumer-groups-options.ts'
import type { ConsumerGroupsAction, ConsumerGroupsOptions } from './consumer-groups-options.ts'
import { describeGroups } from './describe-groups.ts'
import { groupIds } from './group-ids.ts'
import { listGroups } from './list-groups.ts'
import { resetOffsets } from './reset-offsets.ts'

export const consumerGroups: Tool = async (argv, host) => {
  const { terminal } = host
  const { action, options } = consumerGroupsOptions(argv, terminal)
  try {
    if (action === 'validate-regex') validateRegex(options, terminal)
    else await run(action, options, host)
    return 0
  } catch (error) {
    if (error instanceof ToolExit || !isOutside(error)) throw error
    terminal.out(`\nError: Executing consumer group command failed due to ${failureText(error, action)}`)
    if (action === 'list' && error instanceof KafkaError) terminal.error(clientSentence(error))
    return 0
  }
}

/** Of a broker's error Kafka names the class, too. */
function failureText(error: Error, action: ConsumerGroupsAction): string {
  // Before it can ask every broker for its groups, Kafka's client has to know them, and hides why it doesn't.
  const isRefused = isTlsFailure(error) || isKafkaError(error, 'SASL_AUTHENTICATION_FAILED')
  if (action === 'list' && isRefused)
    return 'java.util.concurrent.ExecutionException: org.apache.kafka.common.KafkaException: Failed to find brokers to send ListGroups'
  if (error.cause instanceof Error && !(error instanceof KafkaError)) {
    return error.message.startsWith('Failed to create') ? error.message : javaError(error)
  }
  return error instanceof KafkaError ? javaError(error) : error.message
}

async function run(action: ConsumerGroupsAction, options: ConsumerGroupsOptions, host: ToolHost): Promise<void> {
  const { terminal, world } = host
  const properties = await commandConfig(world.disk, options.value('command-config'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  properties.set('default.api.timeout.ms', String(options.integer('timeout') ?? 30_000))
  const admin = await makeAdmin(host, properties)
  try {
    switch (action) {
      case 'list':
        return await listGroups(admin, options, terminal)
      case 'describe':
        return await describeGroups(admin, options, terminal)
      case 'delete':
        // Kafka 4 refuses --topic here, though it is what people mean.
        return await (options.has('topic') ? deleteOffsets : deleteGroups)(admin, options, terminal)
      case 'reset-offsets':
        return await resetOffsets(admin, options, host)
      case 'delete-offsets':
        return await deleteOffsets(admin, options, terminal)
      case 'validate-regex':
        return
    }
  } finally {
    await admin.close()
  }
}

function validateRegex(options: ConsumerGroupsOptions, terminal: Terminal): void {
  const text = options.value('validate-regex') ?? ''
  try {
    new RegExp(text)
    terminal.out(`The regular expression \`${text}\` is valid.`)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : ''
    terminal.out(`The regular expression \`${text}\` is invalid: ${reason}.`)
  }
}

async function deleteGroups(admin: AdminClient, options: ConsumerGroupsOptions, terminal: Terminal): Promise<void> {
  const outcomes = await admin.deleteConsumerGroups(await groupIds(admin, options))
  const deleted = [...outcomes.values().keys()].map((group) => `'${group}'`).join(', ')
  const failed = outcomes.errors()
  if (failed.size === 0) return terminal.out(`Deletion of requested consumer groups (${deleted}) was successful.`)
  terminal.out('\nError: Deletion of some consumer groups failed:')
  for (const [group, error] of failed) {
    terminal.out(`* Group '${group}' could not be deleted due to: ${javaError(error)}`)
  }
  if (deleted !== '') terminal.out(`\nThese consumer groups were deleted successfully: ${deleted}`)
}

async function deleteOffsets(admin: AdminClient, options: ConsumerGroupsOptions, terminal: Terminal): Promise<void> {
  const group = options.value('group') ?? ''
  const partitions = await partitionsOfTopics(admin, options.values('topic'), usage)
  const outcomes = await admin.deleteConsumerGroupOffsets(group, partitions)
  const [first] = outcomes.errors().values()
  if (first === undefined) terminal.out(`Request succeeded for deleting offsets from group ${group}.`)
  else if (isOfPartition(first)) {
    terminal.out('\nError: Encountered some partition-level error, see the follow-up details.')
  } else terminal.out(`\nError: ${first.message}`)
  const rows = [...outcomes]
    .sort(([one], [other]) => (nameOf(one) < nameOf(other) ? -1 : 1))
    .map(([{ topic, partition }, outcome]) => [
      topic,
      partition,
      outcome instanceof Error ? `Error: ${javaError(outcome)}` : 'Successful',
    ])
  const widths = [Math.max(15, ...rows.map(([topic]) => String(topic).length)), 10, 15]
  terminal.out('')
  for (const row of [['TOPIC', 'PARTITION', 'STATUS'], ...rows]) terminal.out(columns(widths, row))
}

const PARTITION_CODES = ['GROUP_SUBSCRIBED_TO_TOPIC', 'TOPIC_AUTHORIZATION_FAILED', 'UNKNOWN_TOPIC_OR_PARTITION']

function isOfPartition(error: Error): boolean {
  return error instanceof KafkaError && PARTITION_CODES.includes(error.code)
}
