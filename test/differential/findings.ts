/** Each distinct difference once: how often it was seen, and the first request that shows it. */
import type { Compared } from './duel.ts'
import { withoutKeys, type Departures } from './departures.ts'
import type { Difference } from './compare.ts'
import { STEP_NUMBERS, type Scenario } from './scenario.ts'
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
  #cutShort = 0

  constructor(departures: Departures) {
    this.#departures = departures
  }

  /** Whether the scenario can go on. */
  add(stepNumber: number, compared: Compared, scenario: Scenario): boolean {
    const { prefix } = scenario
    const earlier = scenario.steps
      .slice(0, (stepNumber % STEP_NUMBERS) + 1)
      .flatMap((step) => (step.kind === 'request' ? [step.message] : []))
    this.#answers++
    let goesOn = true
    for (const difference of compared.differences) {
      const { step, api, version } = compared
      const request = step.kind === 'request' ? step.message : step
      const named = this.#departures.named(api, version, difference, request, earlier)
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

  /** A step that only prepared had not the same outcome on both sides. */
  cutShort(): void {
    this.#cutShort++
  }

  print(line: (text: string) => void): void {
    const named = new Map<string, number>()
    for (const { departure, count } of this.#findings.values()) {
      if (departure !== null) named.set(departure, (named.get(departure) ?? 0) + count)
    }
    for (const [what, count] of named) line(`departure, ${count} times: ${what}`)
    if (this.#cutShort > 0) {
      line(
        `${this.#cutShort} scenarios against the older release ended early: it prepares otherwise than the newer one`,
      )
    }
    const unnamed = [...this.#findings.values()].filter(({ departure }) => departure === null)
    let lastStep = -1
    for (const { api, versions, first, count } of unnamed) {
      const { stepNumber, compared, difference } = first
      const { step } = compared
      if (stepNumber !== lastStep) {
        line('')
        line(`step ${stepNumber}: ${show(step.kind === 'request' ? step.message : step).slice(0, 1500)}`)
      }
      lastStep = stepNumber
      line(` ${api} v${[...versions].sort((a, b) => a - b).join(',')} ${difference.path} (${count} times)`)
      line(`  kafka   ${show(difference.kafka)?.slice(0, 900)}`)
      line(`  klamm   ${show(difference.klamm)?.slice(0, 900)}`)
    }
  }
}
