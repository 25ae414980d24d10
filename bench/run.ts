/**
 * `npm run bench`: every benchmark of our own code after the other; `npm run bench -- tiny` runs each for a moment, so that
 * none rots. The comparison with Kafka is `npm run bench:peers`.
 */
import { spawnSync } from 'node:child_process'

/** File, arguments for the figures, arguments for a moment. */
const BENCHES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['bench/codec.bench.ts', [], ['2']],
  ['bench/records.bench.ts', ['--full'], []],
  ['bench/path.bench.ts', ['--full'], []],
  ['bench/embed.bench.ts', ['--full'], []],
  ['bench/connections.ts', ['--full'], []],
  ['bench/partitions.ts', ['10000'], ['20']],
  ['bench/controller.ts', ['100000'], ['2000']],
]

const tiny = process.argv.slice(2).includes('tiny')
const failed: string[] = []
spawnSync(process.execPath, ['scripts/setup.mjs', 'build'], { stdio: 'inherit' })
for (const [file, full, moment] of BENCHES) {
  console.log(`== ${file}`)
  const { status } = spawnSync(process.execPath, ['scripts/run.mjs', file, ...(tiny ? moment : full)], {
    stdio: 'inherit',
  })
  if (status !== 0) failed.push(file)
}
if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)
