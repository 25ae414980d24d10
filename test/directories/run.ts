/**
 * `npm run directories [-- case…] [--seed=N] [--keep]`: data directories of Klamm and of Apache Kafka 4.3.1 beside each
 * other. Needs Java 17 and Maven. The last line is `N passed, N failed`. `--golden` instead records what Kafka leaves,
 * for the unit run.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeGolden } from './golden-stream.ts'
import { metadataVersions } from './metadata-versions.ts'
import { openedByKafka } from './opened-by-kafka.ts'
import { recordGolden, recordTransactionGolden, sameFiles, sameTransactionFiles } from './same-files.ts'

const GOLDEN = 'test/golden/same-files/kafka-4.3.1.json.gz'
const TRANSACTION_GOLDEN = 'test/golden/same-files/kafka-4.3.1-transactions.json.gz'

type Case = (directory: string) => AsyncGenerator<readonly [string, readonly string[]]>

const CASES: Readonly<Record<string, Case>> = {
  'opened-by-kafka': openedByKafka,
  'metadata-versions': (directory) => metadataVersions(directory),
  'same-files': (directory) => sameFiles(directory, seedOf(1)),
  'same-transaction-files': (directory) => sameTransactionFiles(directory, seedOf(1)),
}

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const unknown = asked.filter((name) => !(name in CASES))
if (unknown.length > 0) {
  console.error(`no such case: ${unknown.join(' ')}; there are ${Object.keys(CASES).join(' ')}`)
  process.exit(2)
}

let passed = 0
let failed = 0
const directory = mkdtempSync(join(tmpdir(), 'klamm-directories-'))
if (process.argv.includes('--golden')) {
  if (!process.argv.includes('--transactions')) {
    writeFileSync(GOLDEN, encodeGolden(await recordGolden(directory, seedOf(1))))
    console.log(`written: ${GOLDEN}`)
  }
  writeFileSync(TRANSACTION_GOLDEN, encodeGolden(await recordTransactionGolden(directory, seedOf(1))))
  console.log(`written: ${TRANSACTION_GOLDEN}`)
  rmSync(directory, { recursive: true, force: true })
  process.exit(0)
}
for (const name of asked.length > 0 ? asked : Object.keys(CASES)) {
  try {
    for await (const [what, differences] of CASES[name]!(directory)) report(`${name}: ${what}`, differences)
  } catch (error) {
    report(`${name}: runs to its end`, [error instanceof Error ? (error.stack ?? error.message) : String(error)])
  }
}
if (process.argv.includes('--keep')) console.log(`kept ${directory}`)
else rmSync(directory, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

function seedOf(usual: number): number {
  const given = process.argv.find((argument) => argument.startsWith('--seed='))
  return given === undefined ? usual : Number(given.slice('--seed='.length))
}

function report(check: string, differences: readonly string[]): void {
  if (differences.length === 0) passed++
  else failed++
  console.log(`${differences.length === 0 ? 'ok  ' : 'FAIL'} ${check}`)
  for (const line of differences.slice(0, 40)) console.log(`     ${line}`)
}
