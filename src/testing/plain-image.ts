/** A metadata image as plain sorted data, or as text, so that two can be compared whatever way they were made. */
import type { MetadataImage } from '../metadata/image.ts'

/** `provenance` is left out: it says where an image was made, not what it holds. */
export function plainImage(image: MetadataImage): object {
  const { features, cluster, topics, configs, acls, quotas, scram, delegationTokens, nextProducerId } = image
  return {
    features: { ...features, levels: sorted(features.levels) },
    brokers: sorted(new Map([...cluster.brokers].map(([id, broker]) => [id, withSortedFeatures(broker)]))),
    controllers: sorted(new Map([...cluster.controllers].map(([id, one]) => [id, withSortedFeatures(one)]))),
    topics: Object.fromEntries([...topics.all()].sort(byName).map((topic) => [topic.name, topic])),
    configs: Object.fromEntries(
      [...configs.all()].map(({ type, name, values }) => [`${type}:${name}`, sorted(values)] as const).sort(byKey),
    ),
    acls: sorted(acls),
    quotas: Object.fromEntries(
      [...quotas.entries()]
        .map(([key, { parts, values }]) => [key, { parts, values: sorted(values) }] as const)
        .sort(byKey),
    ),
    scram: sorted(scram),
    delegationTokens: sorted(delegationTokens),
    nextProducerId,
  }
}

/** For comparing two at once; what the keys in `without` name is left out. */
export function textOf(plain: object, without: readonly string[] = []): string {
  return JSON.stringify(plain, (key, value: unknown) => {
    if (without.includes(key)) return null
    return typeof value === 'bigint' ? String(value) : value instanceof Map ? [...value] : value
  })
}

/** Where two texts begin to differ. */
export function difference(before: string, after: string): string {
  let at = 0
  while (before[at] === after[at] && at < before.length) at += 1
  const from = Math.max(0, at - 60)
  return `…${before.slice(from, at + 60)}… became …${after.slice(from, at + 60)}…`
}

/** Kafka writes a node's features in no particular order. */
function withSortedFeatures<Node extends { readonly features: readonly { readonly name: string }[] }>(
  node: Node,
): object {
  return { ...node, features: [...node.features].sort(byName) }
}

function sorted(map: { entries(): Iterable<readonly [string | number, unknown]> }): object {
  return Object.fromEntries([...map.entries()].sort(byKey))
}

function byKey(left: readonly [string | number, unknown], right: readonly [string | number, unknown]): number {
  return String(left[0]) < String(right[0]) ? -1 : 1
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1
}
