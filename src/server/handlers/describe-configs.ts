/**
 * DescribeConfigs v0-4: every setting of a topic, broker, group or client metrics subscription, where it comes from, and
 * with v1 what it would be without. A broker answers for itself and for the cluster-wide defaults (empty name).
 */
import { CONFIG_SOURCE } from '../../config/config-codes.ts'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import {
  describeBroker,
  describeBrokerDefaults,
  describeClientMetrics,
  describeGroup,
  describeTopic,
  type ConfigEntry,
} from '../../config/describe.ts'
import { validateTopicName } from '../../controller/topic-name.ts'
import { CONFIG_RESOURCE } from '../../metadata/configs-image.ts'
import type { Init } from '../../protocol/codec.ts'
import {
  DescribeConfigs,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
} from '../../protocol/generated/describe-configs.ts'
import { handler } from '../handler.ts'
import { INVALID_REQUEST_TEXT } from './find-coordinator.ts'
import type { Services } from '../services.ts'
import { mapInSlices } from '../slices.ts'

type Resource = DescribeConfigsRequest.DescribeConfigsResource
type Result = Init<DescribeConfigsResponse.DescribeConfigsResult>
type Row = Init<DescribeConfigsResponse.DescribeConfigsResourceResult>
/** One request's: topics share the entries of what they do not override. */
type Rows = Map<ConfigEntry, Row>

const SLICE_RESOURCES = 200
const RESOURCE_TYPES: ReadonlySet<number> = new Set(Object.values(CONFIG_RESOURCE))

export const describeConfigsHandler = handler(DescribeConfigs, {
  handle: async (services, request, { apiVersion }) => {
    // One type that is none refuses them all.
    if (request.resources.some(({ resourceType }) => !RESOURCE_TYPES.has(resourceType))) {
      throw new KafkaError('INVALID_REQUEST', INVALID_REQUEST_TEXT)
    }
    const rows: Rows = new Map()
    const describeOne = (resource: Resource): Result => describe(services, resource, request, apiVersion, rows)
    return { results: await mapInSlices(services.clock, request.resources, describeOne, SLICE_RESOURCES) }
  },
  failed: ({ resources }, error) => ({
    results: resources.map(({ resourceType, resourceName }) => ({
      errorCode: error.errno,
      errorMessage: error.message,
      resourceType,
      resourceName,
    })),
  }),
})

function describe(
  services: Services,
  resource: Resource,
  request: DescribeConfigsRequest,
  version: number,
  rows: Rows,
): Result {
  const { resourceType, resourceName, configurationKeys } = resource
  try {
    const wanted = configurationKeys === null || configurationKeys.length === 0 ? null : new Set(configurationKeys)
    const entries = entriesOf(services, resource).filter(({ name }) => wanted === null || wanted.has(name))
    const configs = entries.map((entry) => {
      let known = rows.get(entry)
      if (known === undefined) rows.set(entry, (known = row(entry, request, version)))
      return known
    })
    return { errorCode: ERROR_CODES.NONE, errorMessage: '', resourceType, resourceName, configs }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.errno, errorMessage: error.message, resourceType, resourceName }
  }
}

function entriesOf(services: Services, { resourceType, resourceName }: Resource): readonly ConfigEntry[] {
  const { sources } = services.configs
  const image = services.image()
  const overrides = image.configs.get(resourceType, resourceName)
  switch (resourceType) {
    case CONFIG_RESOURCE.TOPIC:
      validateTopicName(resourceName)
      // Kafka says no more than the code.
      if (image.topics.byName(resourceName) === null) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', '')
      return describeTopic(sources, overrides)
    case CONFIG_RESOURCE.BROKER:
      if (resourceName === '') return describeBrokerDefaults(sources)
      checkBrokerName(services.nodeId, resourceName)
      return describeBroker(sources)
    case CONFIG_RESOURCE.GROUP:
      if (resourceName === '') throw new KafkaError('INVALID_REQUEST', 'Group name must not be empty')
      return describeGroup(sources, overrides)
    case CONFIG_RESOURCE.CLIENT_METRICS:
      if (resourceName === '')
        throw new KafkaError('INVALID_REQUEST', 'Client metrics subscription name must not be empty')
      return describeClientMetrics(overrides)
    default:
      throw new KafkaError('INVALID_REQUEST', INVALID_REQUEST_TEXT)
  }
}

/** @throws KafkaError INVALID_REQUEST unless the resource is this broker. */
function checkBrokerName(nodeId: number, resourceName: string): void {
  if (!/^[+-]?\d+$/.test(resourceName)) {
    throw new KafkaError('INVALID_REQUEST', `Broker id must be an integer, but it is: ${resourceName}`)
  }
  if (Number(resourceName) !== nodeId) {
    throw new KafkaError(
      'INVALID_REQUEST',
      `Unexpected broker id, expected ${nodeId} or empty string, but received ${resourceName}`,
    )
  }
}

function row(entry: ConfigEntry, request: DescribeConfigsRequest, version: number): Row {
  const { name, value, readOnly, isSensitive, source } = entry
  const fields: Row = { name, value, readOnly, isSensitive }
  if (version === 0) return { ...fields, isDefault: source === CONFIG_SOURCE.DEFAULT_CONFIG }
  return {
    ...fields,
    configSource: source,
    configType: entry.type,
    synonyms: request.includeSynonyms ? entry.synonyms : [],
    documentation: request.includeDocumentation ? '' : null,
  }
}
