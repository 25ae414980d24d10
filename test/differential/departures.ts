/** Differences that are meant: docs/departures.json says where each shows, docs/DEPARTURES.md says why. */
import { readFileSync } from 'node:fs'
import type { Difference } from './compare.ts'
import { show } from './values.ts'

export interface Departure {
  /** First column of its row in docs/DEPARTURES.md. */
  readonly what: string
  readonly api: string
  /** Patterns; what is left out matches anything. Paths are without keys: `topics[].errorCode`. */
  readonly path?: string
  readonly kafka?: string
  readonly klamm?: string
  readonly request?: string
  /** Versions of the request, inclusive. */
  readonly versions?: readonly [number, number]
  /** Of any request of the scenario up to this one. */
  readonly earlier?: string
  /** What comes after cannot be compared: the scenario ends here. */
  readonly diverges?: boolean
}

export class Departures {
  readonly #departures: readonly Departure[]

  /** @throws Error if a departure has no row in the page. */
  constructor(file: string, page: string) {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (!Array.isArray(parsed) || !parsed.every(isDeparture)) throw new Error(`${file} is not a list of departures`)
    const text = readFileSync(page, 'utf8')
    const missing = parsed.find(({ what }) => !text.includes(`| ${what} |`))
    if (missing !== undefined) throw new Error(`${page} has no row '${missing.what}'`)
    this.#departures = parsed
  }

  /** The departure that explains the difference, or null. */
  named(
    api: string,
    version: number,
    difference: Difference,
    request: unknown,
    earlier: readonly unknown[],
  ): Departure | null {
    const path = withoutKeys(difference.path)
    const found = this.#departures.find(
      (departure) =>
        departure.api === api &&
        matches(departure.path, path) &&
        matches(departure.kafka, show(difference.kafka)) &&
        matches(departure.klamm, show(difference.klamm)) &&
        matches(departure.request, show(request)) &&
        (departure.earlier === undefined || earlier.some((one) => matches(departure.earlier, show(one)))) &&
        (departure.versions === undefined || (version >= departure.versions[0] && version <= departure.versions[1])),
    )
    return found ?? null
  }
}

export function withoutKeys(path: string): string {
  return path.replaceAll(/\[[^\]]*\]/g, '[]')
}

function matches(pattern: string | undefined, text: string | undefined): boolean {
  return pattern === undefined || new RegExp(pattern).test(text ?? 'undefined')
}

function isDeparture(value: unknown): value is Departure {
  if (typeof value !== 'object' || value === null) return false
  return 'what' in value && typeof value.what === 'string' && 'api' in value && typeof value.api === 'string'
}
