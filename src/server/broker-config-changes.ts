/**
 * Changes of broker settings on their way to the controller: only the broker itself knows its file, so it checks what it
 * would become. What it refuses is answered here; the rest is the controller's.
 */
import { KafkaError } from '../base/errors.ts'
import { validateBrokerConfigs } from '../config/dynamic-config.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import type { Services } from './services.ts'

export interface ConfigResource {
  readonly resourceType: number
  readonly resourceName: string
}

/** A resource as a request names it. */
interface ChangedResource extends ConfigResource {
  readonly configs: readonly {
    readonly name: string
    readonly value: string | null
    readonly configOperation?: number
  }[]
}

const DELETE = 1
const PASSED_ON: ReadonlySet<number> = new Set([
  CONFIG_RESOURCE.TOPIC,
  CONFIG_RESOURCE.CLIENT_METRICS,
  CONFIG_RESOURCE.GROUP,
])

export interface ConfigResult extends ConfigResource {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Why this broker refuses the change; null if the controller is to decide. `proposed`: all overrides afterwards. */
export function refusalOf(
  services: Services,
  { resourceType, resourceName, configs }: ChangedResource,
  proposed: () => ReadonlyMap<string, string>,
): KafkaError | null {
  try {
    if (new Set(configs.map(({ name }) => name)).size !== configs.length) {
      throw new KafkaError('INVALID_REQUEST', 'Error due to duplicate config keys')
    }
    const nulls = configs.filter(({ value, configOperation }) => value === null && configOperation !== DELETE)
    if (nulls.length > 0) {
      const names = nulls.map(({ name }) => name).join(', ')
      throw new KafkaError('INVALID_REQUEST', `Null value not supported for : ${names}`)
    }
    if (resourceType === CONFIG_RESOURCE.BROKER_LOGGER) {
      throw new KafkaError('INVALID_REQUEST', 'Log levels cannot be changed while the broker runs.')
    }
    if (PASSED_ON.has(resourceType)) return null
    if (resourceType !== CONFIG_RESOURCE.BROKER) {
      throw new KafkaError('INVALID_REQUEST', `Unknown resource type ${resourceType}`)
    }
    if (resourceName !== '') checkBrokerName(services.nodeId, resourceName)
    const { base, dynamic } = services.configs.sources
    validateBrokerConfigs(base, dynamic, proposed(), resourceName === '' ? 'default' : 'broker')
    return null
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
}

/**
 * Answers refused resources here and the others by `decide`, in the order of the request. A resource that stands twice is
 * refused before anything else.
 */
export async function decideAllowed<Resource extends ConfigResource>(
  resources: readonly Resource[],
  refuse: (resource: Resource) => KafkaError | null,
  decide: (allowed: readonly Resource[]) => Promise<readonly Partial<ConfigResult>[]>,
): Promise<Partial<ConfigResult>[]> {
  const refusals = new Map<Resource, KafkaError>()
  const keyOf = ({ resourceType, resourceName }: ConfigResource): string => `${resourceType}:${resourceName}`
  const counts = new Map<string, number>()
  for (const resource of resources) counts.set(keyOf(resource), (counts.get(keyOf(resource)) ?? 0) + 1)
  for (const resource of resources) {
    const twice = (counts.get(keyOf(resource)) ?? 0) > 1
    const refusal = twice
      ? new KafkaError('INVALID_REQUEST', 'Each resource must appear at most once.')
      : refuse(resource)
    if (refusal !== null) refusals.set(resource, refusal)
  }
  const allowed = resources.filter((resource) => !refusals.has(resource))
  const decided = allowed.length === 0 ? [] : await decide(allowed)
  return [...decided, ...[...refusals].map(([resource, error]) => refused(resource, error))]
}

/** @throws KafkaError INVALID_REQUEST unless the resource is this broker. */
function checkBrokerName(nodeId: number, resourceName: string): void {
  if (!/^[+-]?\d+$/.test(resourceName)) {
    throw new KafkaError('INVALID_REQUEST', `Node id must be an integer, but it is: ${resourceName}`)
  }
  if (Number(resourceName) !== nodeId) {
    throw new KafkaError('INVALID_REQUEST', `Unexpected broker id, expected ${nodeId}, but received ${resourceName}`)
  }
}

/** The answer to either request when it could not be decided at all. */
export function allFailed(resources: readonly ConfigResource[], error: KafkaError): { responses: ConfigResult[] } {
  return { responses: resources.map((resource) => refused(resource, error)) }
}

function refused({ resourceType, resourceName }: ConfigResource, error: KafkaError): ConfigResult {
  return { resourceType, resourceName, errorCode: error.errno, errorMessage: error.message }
}
