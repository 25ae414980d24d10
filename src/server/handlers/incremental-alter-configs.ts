/**
 * IncrementalAlterConfigs v0-1 (KIP-339): sets, deletes, appends to or subtracts from single overrides. Decided by the
 * controller; a broker checks its own settings first.
 */
import { KafkaError } from '../../base/errors.ts'
import { BROKER_TABLE } from '../../config/tables.ts'
import {
  IncrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
} from '../../protocol/generated/incremental-alter-configs.ts'
import { allFailed, decideAllowed, refusalOf } from '../broker-config-changes.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'

const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

type Resource = IncrementalAlterConfigsRequest.AlterConfigsResource

export const incrementalAlterConfigsHandler = handler(IncrementalAlterConfigs, {
  handle: async (services, request, { apiVersion }) => ({
    responses: await decideAllowed(
      request.resources,
      (resource) => refusalOf(services, resource, () => proposedBy(services, resource)),
      async (resources) =>
        (await services.controller.incrementalAlterConfigs({ ...request, resources }, { apiVersion })).responses ?? [],
    ),
  }),
  failed: ({ resources }, error) => allFailed(resources, error),
})

/**
 * All overrides of a broker resource after the change; operations that do not exist are left to the controller.
 * @throws KafkaError INVALID_CONFIG for an append to what is no list, whatever else is wrong
 */
function proposedBy(
  services: Services,
  { resourceType, resourceName, configs }: Resource,
): ReadonlyMap<string, string> {
  const proposed = new Map(services.image().configs.get(resourceType, resourceName))
  for (const { name, configOperation, value } of configs) {
    if (configOperation === DELETE) proposed.delete(name)
    else if (value === null) continue
    else if (configOperation === APPEND || configOperation === SUBTRACT) {
      refuseUnlessList(name, configOperation)
      const before = (proposed.get(name) ?? '').split(',').filter((item) => item !== '')
      const items = value.split(',').filter((item) => item !== '')
      const after =
        configOperation === APPEND
          ? [...new Set([...before, ...items])]
          : before.filter((item) => !items.includes(item))
      proposed.set(name, after.join(','))
    } else proposed.set(name, value)
  }
  return proposed
}

/** @throws KafkaError INVALID_CONFIG */
function refuseUnlessList(name: string, configOperation: number): void {
  if (BROKER_TABLE.get(name)?.type === 'LIST') return
  const operation = configOperation === APPEND ? 'append' : 'subtract'
  throw new KafkaError('INVALID_CONFIG', `Config value ${operation} is not allowed for config key: ${name}`)
}
