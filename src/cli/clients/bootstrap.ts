/** Where an Admin of a tool with `--bootstrap-server` and `--bootstrap-controller` begins. */
import { failure } from '../tool/tool-exit.ts'
import type { Properties } from './client-properties.ts'

/** Changes `properties`. @throws ToolExit unless exactly one is given. */
export function setBootstrap(properties: Properties, server: string | null, controller: string | null): Properties {
  if (server !== null && controller !== null) {
    throw failure('You cannot specify both --bootstrap-controller and --bootstrap-server.')
  }
  properties.delete('bootstrap.servers')
  properties.delete('bootstrap.controllers')
  if (server !== null) properties.set('bootstrap.servers', server)
  else if (controller !== null) properties.set('bootstrap.controllers', controller)
  else throw failure('You must specify either --bootstrap-controller or --bootstrap-server.')
  return properties
}
