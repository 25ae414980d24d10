/** Each file of scenarios/ is one; `UPDATE_SCENARIOS=1` writes what comes out now, for a review of the difference. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { rerunScenario } from '../testing/raft/raft-scenario.ts'

const HOME = new URL('scenarios/', import.meta.url)

for (const name of readdirSync(HOME).sort()) {
  test(`consensus scenario: ${name.replace('.txt', '').replaceAll('-', ' ')}`, () => {
    const path = new URL(name, HOME)
    const text = readFileSync(path, 'utf8')
    const now = rerunScenario(text)
    if (process.env['UPDATE_SCENARIOS'] !== undefined) writeFileSync(path, now)
    else expect(now).toBe(text)
  })
}
