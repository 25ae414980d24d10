/**
 * kafka-dump-log.sh on data directories that Apache Kafka wrote: stdout, exit code and what stderr says, as Kafka 4.3.1's own
 * tool printed them for the same command lines.
 *
 * Of stderr the order of files is left out (Kafka's is that of a hash table), and the class name before a sentence.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { dumpLog } from '../../../src/cli/dump-log/dump-log.ts'
import { runInMemory } from '../../../src/cli/tool/memory-host.ts'
import { nodeWorld } from '../../../src/world/node/index.ts'

const ROOT = fileURLToPath(new URL('.', import.meta.url))

interface Capture {
  readonly name: string
  readonly args: readonly string[]
  readonly rc: number
  readonly stdout: string
  readonly stderr: string
}

/** Where Kafka says less, or gives up: a missing file is named only; an index that is not there is an empty one here. */
function comparableErrors(text: string): readonly string[] {
  return text
    .replaceAll(': no such file', '')
    .split('\n')
    .filter((line) => line !== '')
    .sort()
}

test.each(['kraft-oldformats', 'kraft39-static', 'kraft-single-leftovers'])(
  'the files of %s are dumped as by Kafka, byte for byte',
  async (name) => {
    const home = mkdtempSync(join(tmpdir(), 'klamm-dump-'))
    try {
      execFileSync('tar', ['xzf', join(ROOT, '../fixtures', name, 'data.tar.gz'), '-C', home])
      const captures: Capture[] = JSON.parse(
        gunzipSync(readFileSync(join(ROOT, 'dump-log', `${name}.json.gz`))).toString(),
      )
      for (const capture of captures) {
        const args = capture.args.map((arg) => arg.replaceAll(/(^|,)\.\//g, `$1${home}/`))
        const run = await runInMemory(dumpLog, args, { world: nodeWorld() })
        const out = run.out.replaceAll(`${home}/`, './')
        // The texts are long: say where they part.
        const at = firstDifference(out, capture.stdout)
        expect(at === null ? null : [out.slice(at, at + 200), capture.stdout.slice(at, at + 200)], capture.name).toBe(
          null,
        )
        expect(run.exitCode, capture.name).toBe(capture.rc)
        expect(comparableErrors(run.error.replaceAll(`${home}/`, './')), capture.name).toEqual(
          comparableErrors(capture.stderr),
        )
      }
      expect(captures.length).toBeGreaterThan(10)
    } finally {
      rmSync(home, { recursive: true })
    }
  },
)

function firstDifference(one: string, other: string): number | null {
  if (one === other) return null
  let at = 0
  while (one[at] === other[at]) at++
  return at
}
