/**
 * `listeners`, `advertised.listeners` and `listener.security.protocol.map`: text to endpoints, with Kafka's rules about
 * names, ports and protocols.
 */
import { ConfigError } from './config-value.ts'

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

export interface ListenerConfig {
  /** Upper case, as in the metadata log. */
  readonly name: string
  readonly securityProtocol: SecurityProtocol
  /** Empty: all interfaces (or, advertised, the machine's name). IPv6 without brackets. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

const PROTOCOLS: readonly SecurityProtocol[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

export type ProtocolMap = ReadonlyMap<string, SecurityProtocol>

/** `name:protocol,…` by upper case name. */
export function parseProtocolMap(text: string): ProtocolMap {
  const map = new Map<string, SecurityProtocol>()
  for (const [name, protocolName] of parseMap('listener.security.protocol.map', text)) {
    const protocol = PROTOCOLS.find((known) => known === protocolName.toUpperCase())
    if (!protocol) {
      throw new ConfigError(`Invalid security protocol \`${protocolName}\` defined in listener.security.protocol.map`)
    }
    map.set(name.toUpperCase(), protocol)
  }
  return map
}

/** `key:value,…`, split at the last colon. */
export function parseMap(property: string, text: string): readonly (readonly [string, string])[] {
  if (text === '') return []
  return text.split(/\s*,\s*/).map((pair) => {
    const colon = pair.lastIndexOf(':')
    if (colon < 0) throw new ConfigError(`Error parsing configuration property '${property}': '${pair}' has no colon`)
    return [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()]
  })
}

/**
 * Controller listeners are PLAINTEXT without being mapped, unless the operator wrote a map of their own or any listener
 * is named like a protocol that encrypts or authenticates.
 */
export function withControllerNames(
  map: ProtocolMap,
  controllerNames: readonly string[],
  listeners: readonly string[],
): ProtocolMap {
  const names = [...controllerNames, ...listeners.map(listenerName)]
  if (names.some((name) => name === 'SSL' || name === 'SASL_SSL' || name === 'SASL_PLAINTEXT')) return map
  const extended = new Map(map)
  for (const name of controllerNames) if (name !== 'PLAINTEXT') extended.set(name, 'PLAINTEXT')
  return extended
}

function listenerName(listener: string): string {
  const end = listener.indexOf(':')
  if (end <= 0) throw new ConfigError(`Unable to parse a listener name from ${listener}`)
  return listener.slice(0, end).toUpperCase()
}

/** `distinctPorts` is off for advertised listeners: several names may lead to one address. */
export function parseListeners(
  listeners: readonly string[],
  map: ProtocolMap,
  distinctPorts: boolean,
): readonly ListenerConfig[] {
  try {
    const endpoints = listeners.map((listener) => parseListener(listener, map))
    checkDistinct(endpoints, listeners, distinctPorts)
    return endpoints
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(`Error creating broker listeners from '${show(listeners)}': ${error.message}`)
  }
}

function parseListener(listener: string, map: ProtocolMap): ListenerConfig {
  const match = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)$/.exec(listener)
  if (!match) throw new ConfigError(`Unable to parse ${listener} to a broker endpoint`)
  const name = (match[1] ?? '').toUpperCase()
  const securityProtocol = map.get(name)
  if (!securityProtocol) throw new ConfigError(`No security protocol defined for listener ${name}`)
  return { name, securityProtocol, host: match[2] ?? '', port: Number(match[3]) }
}

function checkDistinct(
  endpoints: readonly ListenerConfig[],
  listeners: readonly string[],
  distinctPorts: boolean,
): void {
  if (new Set(endpoints.map((endpoint) => endpoint.name)).size !== endpoints.length) {
    throw new ConfigError(`Each listener must have a different name, listeners: ${show(listeners)}`)
  }
  if (!distinctPorts) return
  for (const port of new Set(endpoints.map((endpoint) => endpoint.port))) {
    const sharing = endpoints.filter((endpoint) => endpoint.port === port)
    if (port === 0 || sharing.length < 2) continue
    const kinds = sharing.map((endpoint) => addressKind(endpoint.host))
    if (sharing.length === 2 && !kinds.includes('name')) {
      if (kinds[0] !== kinds[1]) continue
      const rule = 'If you have two listeners on the same port then one needs to be IPv4 and the other IPv6'
      throw new ConfigError(`${rule}, listeners: ${show(listeners)}, port: ${port}`)
    }
    throw new ConfigError(`Each listener must have a different port, listeners: ${show(listeners)}`)
  }
}

function addressKind(host: string): 'ipv4' | 'ipv6' | 'name' {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return 'ipv4'
  return host.includes(':') ? 'ipv6' : 'name'
}

/** A list as Kafka's messages print it. */
function show(list: readonly string[]): string {
  return `[${list.join(', ')}]`
}
