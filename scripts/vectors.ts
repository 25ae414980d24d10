/**
 * `npm run vectors -- FILE.jsonl.gz…`: checks files of golden vectors, one JSON object a line. A line with `batches` is a
 * record set, any other a message. Prints what is wrong and ends with `N passed, N failed`; the exit code is 1 on a failure.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { checkMessageVector } from '../src/protocol/vectors.ts'
import { checkRecordSetVector } from './vectors/record-sets.ts'

const FAILURES_PRINTED_MAX = 50
const GZIP_MAGIC = 0x1f8b

function linesOf(file: string): string[] {
  const bytes = readFileSync(file)
  const text = bytes.length >= 2 && bytes.readUInt16BE(0) === GZIP_MAGIC ? gunzipSync(bytes) : bytes
  return text.toString().split('\n')
}

/** What the line is about and what is wrong with it; null if nothing is. */
function check(line: string): string | null {
  let name = 'not JSON'
  try {
    const vector = JSON.parse(line)
    const isRecordSet = 'batches' in vector
    name = isRecordSet ? vector.desc : `${vector.name} version ${vector.version} (${vector.case})`
    const problem = isRecordSet ? checkRecordSetVector(vector) : checkMessageVector(vector)
    return problem === null ? null : `${name}: ${problem}`
  } catch (error) {
    return `${name}: ${error}`
  }
}

const files = process.argv.slice(2)
if (files.length === 0) {
  console.error('usage: npm run vectors -- FILE.jsonl.gz…')
  process.exit(2)
}
let passed = 0
let failed = 0
for (const file of files) {
  for (const [index, line] of linesOf(file).entries()) {
    if (line.trim() === '') continue
    const problem = check(line)
    if (problem === null) {
      passed++
      continue
    }
    failed++
    if (failed <= FAILURES_PRINTED_MAX) console.log(`${file}:${index + 1}: ${problem}`)
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
