/**
 * AlterConfigs v0-2: replaces all overrides of a resource (what is not named goes back to its default). Decided by the
 * controller; a broker checks its own settings first.
 */
import { AlterConfigs } from '../../protocol/generated/alter-configs.ts'
import { allFailed, decideAllowed, refusalOf } from '../broker-config-changes.ts'
import { handler } from '../handler.ts'

export const alterConfigsHandler = handler(AlterConfigs, {
  handle: async (services, request, context) => ({
    responses: await decideAllowed(
      request.resources,
      (resource) =>
        refusalOf(
          services,
          resource,
          () =>
            new Map(resource.configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value] as const]))),
        ),
      async (resources) => (await services.controller.alterConfigs({ ...request, resources }, context)).responses ?? [],
    ),
  }),
  failed: ({ resources }, error) => allFailed(resources, error),
})
