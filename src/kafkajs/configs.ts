/** Settings in kafkajs's shapes and numbers. */
import * as configs from '../client/admin/configs.ts'
import type { ConfigResource } from '../client/admin/admin-types.ts'
import type { ConfigSource as SourceName } from '../client/admin/config-entry.ts'
import { askByKey } from '../client/admin/admin-call.ts'
import { byResource } from '../client/admin/admin-types.ts'
import { routeBy } from '../client/admin/routes.ts'
import { errorOf } from '../client/errors.ts'
import type { NetworkClient } from '../client/network-client.ts'
import { AlterConfigs } from '../protocol/generated/alter-configs.ts'
import type { DescribeConfigResponse, IResourceConfig, ResourceConfigQuery } from './admin-types.ts'
import { ConfigResourceTypes, ConfigSource, nameIn } from './constants.ts'
import { KafkaJSNonRetriableError } from './errors.ts'

export async function describeConfigs(
  network: NetworkClient,
  queries: readonly ResourceConfigQuery[],
  includeSynonyms: boolean,
): Promise<DescribeConfigResponse> {
  const resources = queries.map(resourceOf)
  const described = (await configs.describeConfigs(network, resources, { includeSynonyms })).all()
  return {
    throttleTime: 0,
    resources: [...described].map(([{ name }, entries], index) => ({
      errorCode: 0,
      errorMessage: null,
      resourceType: queries[index]!.type,
      resourceName: name,
      configEntries: entries
        .filter((entry) => queries[index]!.configNames?.includes(entry.name) ?? true)
        .map((entry) => ({
          configName: entry.name,
          configValue: entry.value as string,
          readOnly: entry.isReadOnly,
          isDefault: entry.isDefault,
          configSource: sourceOf(entry.source),
          isSensitive: entry.isSensitive,
          configSynonyms: entry.synonyms.map(({ name: synonym, value, source }) => {
            return { configName: synonym, configValue: value as string, configSource: sourceOf(source) }
          }),
        })),
    })),
  }
}

/** Replaces all settings of a resource: what is not named is set back to its default, as AlterConfigs has it. */
export async function alterConfigs(
  network: NetworkClient,
  wanted: readonly IResourceConfig[],
  validateOnly: boolean,
): Promise<{ resources: { errorCode: number; errorMessage: null; resourceType: number; resourceName: string }[] }> {
  const entriesOf = new Map(wanted.map((resource) => [byResource(resourceOf(resource)), resource]))
  const outcomes = await askByKey<ConfigResource, void>(
    network,
    {
      name: 'alterConfigs',
      keys: wanted.map(resourceOf),
      textOf: byResource,
      route: routeBy(({ type, name }) => (type === 'BROKER' || type === 'BROKER_LOGGER' ? Number(name) : 'active')),
      ask: async (node, keys) => {
        const resources = keys.map((key) => {
          const { type, name, configEntries } = entriesOf.get(byResource(key))!
          return { resourceType: type, resourceName: name, configs: configEntries }
        })
        const answer = await node.ask(AlterConfigs, { resources, validateOnly })
        return answer.responses.map(({ resourceType, resourceName, errorCode, errorMessage }) => {
          const key = keys.find(
            ({ type, name }) => ConfigResourceTypes[type as 'TOPIC'] === resourceType && name === resourceName,
          )
          return [key ?? keys[0]!, errorOf(errorCode, errorMessage) ?? undefined] as const
        })
      },
    },
    {},
  )
  outcomes.all()
  return {
    resources: wanted.map(({ type, name }) => {
      return { errorCode: 0, errorMessage: null, resourceType: type, resourceName: name }
    }),
  }
}

/** @throws KafkaJSNonRetriableError for a type or name that is none. */
export function resourceOf({ type, name }: { readonly type: number; readonly name: string }): ConfigResource {
  const typeName = nameIn(ConfigResourceTypes, type)
  if (typeName === null) throw new KafkaJSNonRetriableError(`Resource type ${type} is none of ConfigResourceTypes.`)
  if (typeof name !== 'string' || name === '') throw new KafkaJSNonRetriableError('A resource needs a name.')
  return { type: typeName, name }
}

function sourceOf(name: SourceName): ConfigSource {
  const own = name === 'DYNAMIC_TOPIC_CONFIG' ? 'TOPIC_CONFIG' : name
  return (ConfigSource as Record<string, ConfigSource>)[own] ?? ConfigSource.UNKNOWN
}
