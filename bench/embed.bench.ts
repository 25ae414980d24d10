/**
 * Brokers inside one process: how long they take to start and close, and what they leave behind.
 *
 *   node scripts/run.mjs bench/embed.bench.ts          ten each, to show that it runs
 *   node scripts/run.mjs bench/embed.bench.ts --full   a hundred each: the figures
 *
 * Prints a line per case and `left: …`: what still keeps the process alive, and open files below the directories. Then the
 * process must end by itself; `--stay-ms` bounds how long it may take before it calls that a failure.
 */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startBroker } from '../src/broker.ts'

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, 'stay-ms': { type: 'string', default: '2000' } },
})
const count = values.full ? 100 : 10
const home = mkdtempSync(join(tmpdir(), 'klamm-embed-'))

async function measure(name: string, task: () => Promise<void>): Promise<void> {
  const startedMs = performance.now()
  await task()
  const ms = performance.now() - startedMs
  const megabytes = process.memoryUsage().rss / 1e6
  console.log(
    `${name.padEnd(28)} ${ms.toFixed(0).padStart(6)} ms ${(ms / count).toFixed(1).padStart(6)} ms each, ` +
      `${megabytes.toFixed(0)} MB resident`,
  )
}

async function inTurn(end: 'close' | 'kill', directory: (at: number) => string | null): Promise<void> {
  for (let at = 0; at < count; at++) {
    const path = directory(at)
    const broker = await startBroker(path === null ? {} : { directory: path })
    await broker[end]()
  }
}

async function atOnce(directory: (at: number) => string | null): Promise<void> {
  const all = Array.from({ length: count }, (_, at) => {
    const path = directory(at)
    return startBroker(path === null ? {} : { directory: path })
  })
  const brokers = await Promise.all(all)
  await Promise.all(brokers.map((broker) => broker.close()))
}

/** Sockets, timers and operations under way, and files of the brokers that are open. */
function left(): string[] {
  // Standard output may be a pipe or a file.
  const held = process.getActiveResourcesInfo().filter((type) => !/^(Pipe|TTY|FSReqCallback$|Immediate)/.test(type))
  if (process.platform !== 'linux') return held
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      if (target.startsWith(home)) held.push(target)
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return held
}

const memory = (): null => null
await (await startBroker()).close()
await measure(`${count} in turn, memory`, () => inTurn('close', memory))
await measure(`${count} in turn, memory, killed`, () => inTurn('kill', memory))
await measure(`${count} at once, memory`, () => atOnce(memory))
await measure(`${count} in turn, disk`, () => inTurn('close', (at) => join(home, `turn-${at}`)))
await measure(`${count} at once, disk`, () => atOnce((at) => join(home, `once-${at}`)))
await new Promise((resolve) => setImmediate(resolve))
const remaining = left()
console.log(`left: ${remaining.length === 0 ? 'nothing' : remaining.join(' ')}`)
rmSync(home, { recursive: true })
if (remaining.length > 0) process.exitCode = 1
setTimeout(() => {
  console.log(
    `FAILED: the process is still alive after ${values['stay-ms']} ms: ${process.getActiveResourcesInfo().join(' ')}`,
  )
  process.exit(1)
}, Number(values['stay-ms'])).unref()
