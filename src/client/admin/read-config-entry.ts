/** Settings read out of the answers that tell them: types and sources have numbers there. */
import { CONFIG_SOURCE, CONFIG_TYPE } from '../../config/config-codes.ts'
import type { CreateTopicsResponse } from '../../protocol/generated/create-topics.ts'
import type { DescribeConfigsResponse } from '../../protocol/generated/describe-configs.ts'
import { Codes } from './admin-types.ts'
import type { ConfigEntry, ConfigSource, ConfigType } from './config-entry.ts'

const CONFIG_SOURCES = new Codes<ConfigSource>({ UNKNOWN: 0, ...CONFIG_SOURCE })
const CONFIG_TYPES = new Codes<ConfigType>({ UNKNOWN: 0, ...CONFIG_TYPE })

/** Version 0 (before Kafka 1.1) tells only whether the value is the default; the source follows from what is described. */
export function configEntry(
  told: DescribeConfigsResponse.DescribeConfigsResourceResult,
  sourceUntold: ConfigSource,
): ConfigEntry {
  const untold = told.isDefault ? 'DEFAULT_CONFIG' : sourceUntold
  const source = told.configSource < 0 ? untold : CONFIG_SOURCES.name(told.configSource, 'UNKNOWN')
  return {
    name: told.name,
    value: told.value,
    source,
    isDefault: source === 'DEFAULT_CONFIG',
    isSensitive: told.isSensitive,
    isReadOnly: told.readOnly,
    synonyms: told.synonyms.map((synonym) => ({
      name: synonym.name,
      value: synonym.value,
      source: CONFIG_SOURCES.name(synonym.source, 'UNKNOWN'),
    })),
    type: CONFIG_TYPES.name(told.configType, 'UNKNOWN'),
    documentation: told.documentation,
  }
}

/** Of a topic that was just made. */
export function createdConfigEntry(told: CreateTopicsResponse.CreatableTopicConfigs): ConfigEntry {
  const source = CONFIG_SOURCES.name(told.configSource, 'UNKNOWN')
  return {
    name: told.name,
    value: told.value,
    source,
    isDefault: source === 'DEFAULT_CONFIG',
    isSensitive: told.isSensitive,
    isReadOnly: told.readOnly,
    synonyms: [],
    type: 'UNKNOWN',
    documentation: null,
  }
}
