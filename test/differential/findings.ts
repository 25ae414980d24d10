/** Each distinct difference once: how often it was seen, and the first request that shows it. */
import type { Compared } from './duel.ts'
import { withoutKeys, type Departures } from './departures.ts'
import type { Difference } from './compare.ts'
import { show } from './values.ts'

interface Finding {
  readonly api: string
  readonly versions: Set<number>
  readonly departure: string | null
  readonly first: { readonly stepNumber: number; readonly compared: Compared; readonly difference: Difference }
  count: number
}

export class Findings {
  readonly #departures: Departures
  readonly #findings = new Map<string, Finding>()
  #answers = 0

  constructor(departures: Departures) {
    this.#departures = departures
  }

  /** Whether the scenario can go on. */
  add(stepNumber: number, compared: Compared, prefix: string): boolean {
    this.#answers++
    let goesOn = true
    for (const difference of compared.differences) {
      const { step, api, version } = compared
      const request = step.kind === 'request' ? step.message : step
      const named = this.#departures.named(api, version, difference, request)
      const departure = named?.what ?? null
      if (named?.diverges === true) goesOn = false
      const general = (text: string | undefined): string => (text ?? 'nothing').replaceAll(prefix, '').slice(0, 200)
      const path =
        api === 'DescribeConfigs'
          ? general(difference.path.replace(/results\[[^\]]*\]/, 'results[]'))
          : withoutKeys(difference.path)
      const key = [api, path, general(show(difference.kafka)), general(show(difference.klamm)), departure].join(' | ')
      const finding = this.#findings.get(key)
      if (finding === undefined) {
        this.#findings.set(key, {
          api,
          versions: new Set([version]),
          departure,
          first: { stepNumber, compared, difference },
          count: 1,
        })
      } else {
        finding.count++
        finding.versions.add(version)
      }
    }
    return goesOn
  }

  get answers(): number {
    return this.#answers
  }

  get unnamed(): number {
    return [...this.#findings.values()].filter(({ departure }) => departure === null).length
  }

  print(line: (text: string) => void): void {
    const named = new Map<string, number>()
    for (const { departure, count } of this.#findings.values()) {
      if (departure !== null) named.set(departure, (named.get(departure) ?? 0) + count)
    }
    for (const [what, count] of named) line(`departure, ${count} times: ${what}`)
    const unnamed = [...this.#findings.values()].filter(({ departure }) => departure === null)
    for (const { api, versions, first, count } of unnamed) {
      const { stepNumber, compared, difference } = first
      const { step } = compared
      line('')
      line(
        `${api} v${[...versions].sort((a, b) => a - b).join(',')} ${difference.path} (${count} times, first at step ${stepNumber})`,
      )
      line(`  request ${show(step.kind === 'request' ? step.message : step).slice(0, 1500)}`)
      line(`  kafka   ${show(difference.kafka)?.slice(0, 900)}`)
      line(`  klamm   ${show(difference.klamm)?.slice(0, 900)}`)
    }
  }
}
