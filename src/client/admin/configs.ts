/**
 * Settings of topics, brokers, loggers, groups and metric subscriptions: told (KIP-133, KIP-226) and changed one by one (KIP-339).
 *
 * What belongs to one broker is asked of that broker: its static settings and loggers are known to it alone.
 */
import { DescribeConfigs } from '../../protocol/generated/describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/generated/incremental-alter-configs.ts'
import { ListConfigResources } from '../../protocol/generated/list-config-resources.ts'
import type { CallOptions } from '../call.ts'
import { ClientError, errorOf, throwOnError } from '../errors.ts'
import { KafkaError } from '../../base/errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask, askByKey, type AdminTarget } from './admin-call.ts'
import {
  byResource,
  Codes,
  CONFIG_RESOURCE_TYPES,
  type ConfigResource,
  type ConfigResourceType,
} from './admin-types.ts'
import type { ConfigEntry, ConfigSource } from './config-entry.ts'
import type { Outcomes } from './outcomes.ts'
import { configEntry } from './read-config-entry.ts'
import { routeBy } from './routes.ts'

export interface DescribeConfigsOptions extends CallOptions {
  readonly includeSynonyms?: boolean
  /** Brokers from 2.6. */
  readonly includeDocumentation?: boolean
}

/** The broker that alone knows; 'active' where all do. */
function targetOf({ type, name }: ConfigResource): AdminTarget {
  if (type !== 'BROKER_LOGGER' && (type !== 'BROKER' || name === '')) return 'active'
  const id = Number(name)
  if (/^\d+$/.test(name) && id <= 0x7fff_ffff) return id
  throw new ClientError('INVALID_ARGUMENT', `'${name}' is not the id of a broker, which is a whole number.`)
}

/** Where a broker before 1.1 does not tell where a value comes from. */
const SOURCE_UNTOLD: Partial<Record<ConfigResourceType, ConfigSource>> = {
  TOPIC: 'DYNAMIC_TOPIC_CONFIG',
  BROKER: 'STATIC_BROKER_CONFIG',
}

export async function describeConfigs(
  client: NetworkClient,
  resources: readonly ConfigResource[],
  options: DescribeConfigsOptions = {},
): Promise<Outcomes<ConfigResource, readonly ConfigEntry[]>> {
  const { includeSynonyms = false, includeDocumentation = false } = options
  resources.forEach(targetOf)
  return askByKey<ConfigResource, readonly ConfigEntry[]>(
    client,
    {
      name: 'describeConfigs',
      fromControllers: true,
      keys: resources,
      textOf: byResource,
      route: routeBy(targetOf),
      ask: async (node, asked) => {
        const answer = await node.ask(
          DescribeConfigs,
          {
            resources: asked.map(({ type, name }) => ({
              resourceType: CONFIG_RESOURCE_TYPES.code(type),
              resourceName: name,
              configurationKeys: null,
            })),
            includeSynonyms,
            includeDocumentation,
          },
          { versions: { min: includeDocumentation ? 3 : includeSynonyms ? 1 : 0 } },
        )
        return answer.results.map((result) => {
          const type = CONFIG_RESOURCE_TYPES.name(result.resourceType, 'UNKNOWN')
          const entries = (): ConfigEntry[] => {
            return result.configs.map((config) => configEntry(config, SOURCE_UNTOLD[type] ?? 'UNKNOWN'))
          }
          return [{ type, name: result.resourceName }, errorOf(result.errorCode, result.errorMessage) ?? entries()]
        })
      },
    },
    options,
  )
}

const OPERATIONS = new Codes({ SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 })

export interface AlterConfigOp {
  readonly name: string
  /** Of a list, APPEND and SUBTRACT take parts of it, with commas between. DELETE takes none. */
  readonly value?: string | null
  /** SET if left out. */
  readonly operation?: 'SET' | 'DELETE' | 'APPEND' | 'SUBTRACT'
}

export interface ConfigAlteration {
  readonly resource: ConfigResource
  readonly operations: readonly AlterConfigOp[]
}

export interface AlterConfigsOptions extends CallOptions {
  readonly validateOnly?: boolean
}

export async function incrementalAlterConfigs(
  client: NetworkClient,
  alterations: readonly ConfigAlteration[],
  options: AlterConfigsOptions = {},
): Promise<Outcomes<ConfigResource, void>> {
  const { validateOnly = false } = options
  const isDirect = client.options.endpoint === 'controllers'
  const wanted = new Map<string, AlterConfigOp[]>()
  for (const { resource, operations } of alterations) {
    targetOf(resource)
    const known = wanted.get(byResource(resource)) ?? []
    wanted.set(byResource(resource), [...known, ...operations])
  }
  return askByKey<ConfigResource, void>(
    client,
    {
      name: 'incrementalAlterConfigs',
      fromControllers: true,
      keys: alterations.map(({ resource }) => resource),
      textOf: byResource,
      // The active controller takes what is written into the metadata log; loggers live in one process.
      route: routeBy((resource) => (isDirect && resource.type !== 'BROKER_LOGGER' ? 'active' : targetOf(resource))),
      ask: async (node, asked) => {
        const resources = asked.map((resource) => ({
          resourceType: CONFIG_RESOURCE_TYPES.code(resource.type),
          resourceName: resource.name,
          configs: wanted.get(byResource(resource))!.map(({ name, value = null, operation = 'SET' }) => ({
            name,
            value,
            configOperation: OPERATIONS.code(operation),
          })),
        }))
        const answer = await node.ask(IncrementalAlterConfigs, { resources, validateOnly })
        return answer.responses.map(({ resourceType, resourceName, errorCode, errorMessage }) => [
          { type: CONFIG_RESOURCE_TYPES.name(resourceType, 'UNKNOWN'), name: resourceName },
          errorOf(errorCode, errorMessage) ?? undefined,
        ])
      },
    },
    options,
  )
}

/** Resources that have settings of their own (KIP-1142). All types if `types` is empty; brokers before 4.1 know CLIENT_METRICS only. */
export async function listConfigResources(
  client: NetworkClient,
  types: readonly ConfigResourceType[] = [],
  options: CallOptions = {},
): Promise<readonly ConfigResource[]> {
  return ask(client, { name: 'listConfigResources', target: 'any' }, options, async (node) => {
    const isOld = node.versions.find(ListConfigResources, { min: 1 }) === null
    if (isOld && (types.length !== 1 || types[0] !== 'CLIENT_METRICS')) {
      node.versions.choose(ListConfigResources)
      throw new KafkaError('UNSUPPORTED_VERSION', 'The v0 ListConfigResources only supports CLIENT_METRICS')
    }
    const resourceTypes = isOld ? [] : types.map((type) => CONFIG_RESOURCE_TYPES.code(type))
    const answer = await node.ask(ListConfigResources, { resourceTypes })
    throwOnError(answer.errorCode)
    return answer.configResources.map(({ resourceName, resourceType }) => ({
      type: isOld ? 'CLIENT_METRICS' : CONFIG_RESOURCE_TYPES.name(resourceType, 'UNKNOWN'),
      name: resourceName,
    }))
  })
}

/** Names of the metric subscriptions (KIP-714). */
export async function listClientMetricsResources(
  client: NetworkClient,
  options: CallOptions = {},
): Promise<readonly string[]> {
  const resources = await listConfigResources(client, ['CLIENT_METRICS'], options)
  return resources.map(({ name }) => name)
}
