/** Where brokers can be reached, as the metadata states it for the listener that a client came by. */
import type { BrokerImage } from '../metadata/cluster-image.ts'
import type { MetadataImage } from '../metadata/image.ts'

export interface Endpoint {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** Null: the broker does not have that listener. */
export function endpointOf(broker: BrokerImage, listener: string): Endpoint | null {
  const found = broker.listeners.find(({ name }) => name === listener)
  return found === undefined ? null : { id: broker.id, host: found.host, port: found.port, rack: broker.rack }
}

/** Brokers that are up, by id. */
export function liveEndpoints(image: MetadataImage, listener: string): Endpoint[] {
  const endpoints: Endpoint[] = []
  for (const broker of image.cluster.brokers.values()) {
    if (broker.fenced) continue
    const endpoint = endpointOf(broker, listener)
    if (endpoint !== null) endpoints.push(endpoint)
  }
  return endpoints.sort((left, right) => left.id - right.id)
}

export function isLive(image: MetadataImage, brokerId: number): boolean {
  return image.cluster.brokers.get(brokerId)?.fenced === false
}

/** The addresses of brokers that an answer names as leaders; one without that listener is left out. */
export function nodeEndpoints(
  image: MetadataImage,
  ids: Iterable<number>,
  listener: string,
): { readonly nodeId: number; readonly host: string; readonly port: number; readonly rack: string | null }[] {
  return [...ids].flatMap((id) => {
    const broker = image.cluster.brokers.get(id)
    const endpoint = broker === undefined ? null : endpointOf(broker, listener)
    return endpoint === null ? [] : [{ nodeId: id, host: endpoint.host, port: endpoint.port, rack: endpoint.rack }]
  })
}
