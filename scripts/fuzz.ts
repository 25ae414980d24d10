/**
 * `npm run fuzz -- --seed=N --rounds=N [FILE.jsonl.gz]`: damages every golden message N times and checks what the codecs make
 * of it (src/protocol/fuzz.ts). The same seed gives the same run; a failure prints the bytes.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { checkBytes, damage } from '../src/protocol/fuzz.ts'
import { MESSAGES } from '../src/protocol/generated/messages.ts'
import { SeededRandom } from '../src/testing/seeded-random.ts'

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, rounds: { type: 'string', default: '10' } },
  allowPositionals: true,
})
const file = positionals[0] ?? 'test/golden/vectors-public.jsonl.gz'
const random = new SeededRandom(Number(values.seed))
const draw = (limit: number): number => random.uint32() % limit
// A refusal is the common case here; its stack trace would be most of the work.
Error.stackTraceLimit = 0

const subjects = gunzipSync(readFileSync(file))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))
const counts = { refused: 0, canonical: 0, 'not canonical': 0 }
let failed = 0
let slowest = { ms: 0, name: '' }
for (let round = 0; round < Number(values.rounds); round++) {
  for (const { name, version, hex } of subjects) {
    const description = MESSAGES.get(name)
    if (description === undefined) throw new Error(`no message is named ${name}`)
    const bytes = damage(Buffer.from(hex, 'hex'), draw)
    const startedAt = performance.now()
    try {
      counts[checkBytes(description, version, bytes)]++
    } catch (error) {
      failed++
      if (failed <= 20) console.log(String(error).slice(0, 2000))
    }
    const ms = performance.now() - startedAt
    if (ms > slowest.ms) slowest = { ms, name: `${name} ${version}, ${bytes.length} bytes` }
  }
}
console.log(`refused ${counts.refused}, canonical ${counts.canonical}, not canonical ${counts['not canonical']}`)
console.log(`slowest ${slowest.ms.toFixed(1)} ms: ${slowest.name}`)
console.log(`${counts.refused + counts.canonical + counts['not canonical']} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
