/** Which versions of which APIs were compared, and which that Klamm advertises never were. */
import { APIS } from '../../src/protocol/generated/apis.ts'
import type { Served } from './preparation.ts'

export class Coverage {
  readonly #answers = new Map<number, Map<number, number>>()

  count(api: number, version: number): void {
    const versions = this.#answers.get(api) ?? new Map<number, number>()
    this.#answers.set(api, versions)
    versions.set(version, (versions.get(version) ?? 0) + 1)
  }

  /** `klamm`: what it advertises; `kafka`: what the judges serve, oldest and newest. */
  print(klamm: Served, kafka: readonly Served[], line: (text: string) => void): void {
    const apis = [...klamm.keys()].sort((a, b) => a - b)
    const compared = apis.flatMap((api) => {
      const versions = this.#versions(api)
      return versions.length === 0 ? [] : `${nameOf(api)} ${ranges(versions)}`
    })
    line(`compared: ${compared.join(', ')}`)
    const never = apis.flatMap((api) => {
      const { low, high } = klamm.get(api) ?? { low: 0, high: -1 }
      const known = new Set(this.#versions(api))
      const missing = versionsBetween(low, high).filter((version) => !known.has(version))
      return missing.length === 0 ? [] : `${nameOf(api)} ${ranges(missing)}`
    })
    line(`advertised but never compared: ${never.length === 0 ? 'nothing' : never.join(', ')}`)
    const absent = [...new Set(kafka.flatMap((served) => [...served.keys()]))].filter((api) => !klamm.has(api))
    if (absent.length > 0) line(`served by Kafka, not advertised by Klamm: ${absent.map(nameOf).join(', ')}`)
  }

  #versions(api: number): number[] {
    return [...(this.#answers.get(api)?.keys() ?? [])].sort((a, b) => a - b)
  }
}

const nameOf = (api: number): string => APIS.get(api)?.name ?? `API ${api}`

function versionsBetween(low: number, high: number): number[] {
  return Array.from({ length: Math.max(high - low + 1, 0) }, (_, index) => low + index)
}

/** 0, 1, 2, 5 → 0-2,5 */
function ranges(versions: readonly number[]): string {
  const parts: string[] = []
  let from = versions[0] ?? 0
  for (const [index, version] of versions.entries()) {
    if (versions[index + 1] === version + 1) continue
    parts.push(from === version ? String(version) : `${from}-${version}`)
    from = versions[index + 1] ?? 0
  }
  return parts.join(',')
}
