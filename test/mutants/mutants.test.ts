/** Each planted bug finds its place: a change of the code that moves it must move the mutant too. `npm run sim:mutants` hunts them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface Mutant {
  readonly what: string
  readonly file: string
  readonly from: string
  readonly to: string
  readonly script?: string
  readonly seeds: number
}

const ROOT = join(import.meta.dirname, '..', '..')
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json'))

test('there are planted bugs', () => {
  expect(files.length).toBeGreaterThan(12)
})

test.each(files)('%s is once in its file', (name) => {
  const mutant = JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as Mutant
  expect(readFileSync(join(ROOT, mutant.file), 'utf8').split(mutant.from)).toHaveLength(2)
  expect(mutant.to).not.toBe(mutant.from)
  expect(mutant.seeds).toBeGreaterThan(0)
})
