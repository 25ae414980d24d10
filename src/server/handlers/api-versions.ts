/**
 * ApiVersions v0-4 (KIP-511, KIP-584): what this node serves, read from the handler table.
 *
 * v3 wants a well-formed name and version of the client's software and carries features as tagged fields; v3 leaves out
 * features whose lowest version is 0, because clients of that time refuse them. An unknown version is answered in the
 * format of version 0 (dispatcher).
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import type { Init } from '../../protocol/codec.ts'
import { ApiVersions, type ApiVersionsResponse } from '../../protocol/generated/api-versions.ts'
import type { MetadataImage } from '../../metadata/image.ts'
import { handler, type Handler } from '../handler.ts'

const API_VERSIONS_KEY = 18
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** The polite answer to a version of ApiVersions that we do not know: try again with one of these. */
export const UNSUPPORTED_VERSION_ANSWER: Init<ApiVersionsResponse> = {
  errorCode: ERROR_CODES.UNSUPPORTED_VERSION,
  apiKeys: [{ apiKey: API_VERSIONS_KEY, minVersion: 0, maxVersion: ApiVersions.request.highestVersion }],
}

interface Parts {
  readonly image: () => MetadataImage
  readonly kraftVersion: () => number
  readonly handlers: readonly Pick<Handler, 'api' | 'lowestVersion' | 'highestVersion'>[]
  readonly supportedFeatures: readonly { readonly name: string; readonly min: number; readonly max: number }[]
}

export const apiVersionsHandler = handler(ApiVersions, {
  handle: (services: Parts, request, context) => {
    if (
      context.apiVersion >= 3 &&
      !(SOFTWARE.test(request.clientSoftwareName) && SOFTWARE.test(request.clientSoftwareVersion))
    ) {
      return { errorCode: ERROR_CODES.INVALID_REQUEST }
    }
    const { features, provenance } = services.image()
    const finalized = [...features.levels, ['metadata.version', features.metadataVersion] as const]
    if (services.kraftVersion() > 0) finalized.push(['kraft.version', services.kraftVersion()])
    return {
      apiKeys: services.handlers.map(({ api, lowestVersion, highestVersion }) => ({
        apiKey: api.key,
        minVersion: lowestVersion,
        maxVersion: highestVersion,
      })),
      supportedFeatures: services.supportedFeatures
        .filter(({ min }) => context.apiVersion >= 4 || min > 0)
        .map(({ name, min, max }) => ({ name, minVersion: min, maxVersion: max })),
      finalizedFeaturesEpoch: Math.max(provenance.offset, 0),
      finalizedFeatures: finalized.map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    }
  },
})
