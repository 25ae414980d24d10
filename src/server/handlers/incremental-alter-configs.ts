/**
 * IncrementalAlterConfigs v0-1 (KIP-339): sets, deletes, appends to or subtracts from single overrides. Decided by the
 * controller; a broker checks its own settings first.
 */
import { KafkaError } from '../../base/errors.ts'
import type { ConfigKey } from '../../config/config-key.ts'
import { configText } from '../../config/config-value.ts'
import { appendToList, subtractFromList } from '../../config/list-change.ts'
import { BROKER_TABLE } from '../../config/tables.ts'
import {
  IncrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
} from '../../protocol/generated/incremental-alter-configs.ts'
import { allFailed, decideAllowed, refusalOf } from '../broker-config-changes.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'

const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

type Resource = IncrementalAlterConfigsRequest.AlterConfigsResource

export const incrementalAlterConfigsHandler = handler(IncrementalAlterConfigs, {
  handle: async (services, request, context) => ({
    responses: await decideAllowed(
      request.resources,
      (resource) => refusalOf(services, resource, () => proposedBy(services, resource)),
      async (resources) =>
        (await services.controller.incrementalAlterConfigs({ ...request, resources }, context)).responses ?? [],
    ),
  }),
  failed: ({ resources }, error) => allFailed(resources, error),
})

/**
 * All overrides of a broker resource after the change.
 * @throws KafkaError INVALID_REQUEST for an operation that does not exist, INVALID_CONFIG for an append to what is no
 * list, whatever else is wrong
 */
function proposedBy(
  services: Services,
  { resourceType, resourceName, configs }: Resource,
): ReadonlyMap<string, string> {
  const unknown = configs.find(({ configOperation }) => configOperation < SET || configOperation > SUBTRACT)
  if (unknown !== undefined) {
    throw new KafkaError('INVALID_REQUEST', `Unknown operations type ${unknown.configOperation}`)
  }
  const proposed = new Map(services.image().configs.get(resourceType, resourceName))
  for (const { name, configOperation, value } of configs) {
    if (configOperation === DELETE) proposed.delete(name)
    else if (value === null) continue
    else if (configOperation === APPEND || configOperation === SUBTRACT) {
      const { default: initial } = listKey(name, configOperation)
      const before = proposed.get(name) ?? (initial === null ? '' : configText(initial))
      const change = configOperation === APPEND ? appendToList : subtractFromList
      proposed.set(name, change(before, value))
    } else proposed.set(name, value)
  }
  return proposed
}

/** @throws KafkaError INVALID_CONFIG */
function listKey(name: string, configOperation: number): ConfigKey {
  const key = BROKER_TABLE.get(name)
  if (key === undefined) throw new KafkaError('INVALID_CONFIG', `Unknown config name: ${name}`)
  if (key.type === 'LIST') return key
  const operation = configOperation === APPEND ? 'append' : 'subtract'
  throw new KafkaError('INVALID_CONFIG', `Config value ${operation} is not allowed for config key: ${name}`)
}
