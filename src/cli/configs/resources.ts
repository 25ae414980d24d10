/** Settings of topics, brokers, their loggers, groups and metric subscriptions, for kafka-configs.sh. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { ConfigResource, ConfigResourceType } from '../../client/admin/admin-types.ts'
import type { ConfigEntry, ConfigSource } from '../../client/admin/config-entry.ts'
import { validateTopicName } from '../../controller/topic-name.ts'
import type { KafkaError } from '../../base/errors.ts'
import { isInteger } from '../options/parse-options.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Terminal } from '../tool/tool.ts'
import type { EntityType } from './configs-options.ts'

type ResourceEntity = Exclude<EntityType, 'users' | 'clients' | 'ips'>

const RESOURCES: Readonly<Record<ResourceEntity, ConfigResourceType>> = {
  topics: 'TOPIC',
  brokers: 'BROKER',
  'broker-loggers': 'BROKER_LOGGER',
  'client-metrics': 'CLIENT_METRICS',
  groups: 'GROUP',
}

/** Where settings of an entity's own come from; null: all of a logger's are its own. */
function ownSource(type: ResourceEntity, name: string): ConfigSource | null {
  switch (type) {
    case 'topics':
      return 'DYNAMIC_TOPIC_CONFIG'
    case 'brokers':
      return name === '' ? 'DYNAMIC_DEFAULT_BROKER_CONFIG' : 'DYNAMIC_BROKER_CONFIG'
    case 'client-metrics':
      return 'DYNAMIC_CLIENT_METRICS_CONFIG'
    case 'groups':
      return 'DYNAMIC_GROUP_CONFIG'
    case 'broker-loggers':
      return null
  }
}

/** @param all also what comes from files and defaults. */
export async function describeResources(
  admin: AdminClient,
  type: ResourceEntity,
  name: string | null,
  all: boolean,
  terminal: Terminal,
): Promise<void> {
  const singular = type.slice(0, -1)
  if (type === 'topics' && name !== null) checkTopicName(name)
  if (name !== null && name !== '' && !(await exists(admin, type, name))) {
    return terminal.out(`The ${singular} '${name}' doesn't exist and doesn't have dynamic config.`)
  }
  for (const entity of name === null ? await namesOf(admin, type) : [name]) {
    terminal.out(
      entity === ''
        ? `Default configs for ${type} in the cluster are:`
        : `${all ? 'All' : 'Dynamic'} configs for ${singular} ${entity} are:`,
    )
    for (const entry of await entriesOf(admin, type, entity, all)) {
      const synonyms = entry.synonyms.map((one) => `${one.source}:${one.name}=${one.value}`)
      terminal.out(`  ${entry.name}=${entry.value} sensitive=${entry.isSensitive} synonyms={${synonyms.join(', ')}}`)
    }
  }
}

/** Kafka's tool looks before it asks. @throws ToolExit */
function checkTopicName(name: string): void {
  try {
    validateTopicName(name)
  } catch (error) {
    throw failure((error as KafkaError).message)
  }
}

/** Those that are there, and those that only have settings. */
async function namesOf(admin: AdminClient, type: ResourceEntity): Promise<readonly string[]> {
  switch (type) {
    case 'topics':
      return (await admin.listTopics({ listInternal: true })).map((topic) => topic.name).sort()
    case 'brokers':
    case 'broker-loggers':
      return [...(await admin.describeCluster()).nodes.map(({ id }) => String(id)), '']
    case 'client-metrics':
      return await admin.listClientMetricsResources()
    case 'groups': {
      const [listed, configured] = await Promise.all([admin.listGroups(), admin.listConfigResources(['GROUP'])])
      return [...new Set([...listed.all().map(({ groupId }) => groupId), ...configured.map(({ name }) => name)])].sort()
    }
  }
}

async function exists(admin: AdminClient, type: ResourceEntity, name: string): Promise<boolean> {
  // A controller does not list what is there.
  return (await namesOf(admin, type)).includes(name)
}

async function entriesOf(
  admin: AdminClient,
  type: ResourceEntity,
  name: string,
  all: boolean,
): Promise<readonly ConfigEntry[]> {
  checkBrokerId(type, name)
  const resource: ConfigResource = { type: RESOURCES[type], name }
  const own = all ? null : ownSource(type, name)
  return (await admin.describeConfigs([resource], { includeSynonyms: true }))
    .get(resource)
    .filter(({ source }) => own === null || source === own)
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

function checkBrokerId(type: ResourceEntity, name: string): void {
  if ((type !== 'brokers' && type !== 'broker-loggers') || name === '' || isInteger(name)) return
  throw failure(`The entity name for ${type} must be a valid integer broker id, found: ${name}`)
}

export async function alterResource(
  admin: AdminClient,
  type: ResourceEntity,
  name: string,
  toAdd: ReadonlyMap<string, string>,
  toDelete: readonly string[],
): Promise<void> {
  checkBrokerId(type, name)
  const resource: ConfigResource = { type: RESOURCES[type], name }
  if (type === 'broker-loggers') {
    const known = new Set((await entriesOf(admin, type, name, false)).map((entry) => entry.name))
    const unknown = [...toDelete, ...toAdd.keys()].filter((logger) => !known.has(logger))
    if (unknown.length > 0) throw failure(`Invalid broker logger(s): ${unknown.join(',')}`)
  }
  const operations = [
    ...[...toAdd].map(([key, value]) => ({ name: key, value, operation: 'SET' as const })),
    ...toDelete.map((key) => ({ name: key, operation: 'DELETE' as const })),
  ]
  ;(await admin.incrementalAlterConfigs([{ resource, operations }])).all()
}
