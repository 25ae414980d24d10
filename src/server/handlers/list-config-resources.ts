/**
 * ListConfigResources v0-1 (KIP-1142; v0 was ListClientMetricsResources): names of the resources that have, or can have, a
 * configuration. v0 lists client metrics subscriptions only; v1 the types that are asked for, without any all of them.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { CONFIG_RESOURCE } from '../../metadata/configs-image.ts'
import type { MetadataImage } from '../../metadata/image.ts'
import { ListConfigResources } from '../../protocol/generated/list-config-resources.ts'
import { handler } from '../handler.ts'

const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = CONFIG_RESOURCE
const LISTABLE: readonly number[] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP]

export const listConfigResourcesHandler = handler(ListConfigResources, {
  handle: (services, request, { apiVersion }) => {
    const asked =
      apiVersion === 0 ? [CLIENT_METRICS] : request.resourceTypes.length === 0 ? LISTABLE : request.resourceTypes
    if (asked.some((type) => !LISTABLE.includes(type))) return { errorCode: ERROR_CODES.UNSUPPORTED_VERSION }
    const image = services.image()
    return {
      configResources: [...new Set(asked)].flatMap((resourceType) =>
        namesOf(image, resourceType).map((resourceName) => ({ resourceType, resourceName })),
      ),
    }
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})

function namesOf(image: MetadataImage, type: number): string[] {
  if (type === TOPIC) return [...image.topics.names()]
  if (type === BROKER || type === BROKER_LOGGER) return [...image.cluster.brokers.keys()].map(String)
  return [...image.configs.all()].filter((resource) => resource.type === type).map(({ name }) => name)
}
