/**
 * One suite's cases: each has a name (a sentence), a time-out and one line of output. The suite's folder below
 * .build/interop holds everything that it wrote (logs, data directories); it is removed if all went well.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { CASE_PATIENCE } from './waiting.mjs'

/** What is printed of each log when a case fails, for the first failures of a suite. */
const LOG_LINES = 25
const FAILURES_WITH_LOGS = 3

export class Suite {
  name
  /** Holds logs and data; kept after a failure. */
  directory
  passedCount = 0
  failedCount = 0

  #options

  /**
   * @param {string} name
   * @param {Record<string, string>} [options] of the command line, for suites that have some
   */
  constructor(name, options = {}) {
    this.name = name
    this.#options = options
    this.directory = join(ROOT, '.build', 'interop', 'runs', `${name}-${process.pid}`)
    rmSync(this.directory, { recursive: true, force: true })
    mkdirSync(this.directory, { recursive: true })
  }

  /** @param {string} key */
  option(key, otherwise = '') {
    return this.#options[key] ?? otherwise
  }

  /**
   * Runs a case; never throws.
   * @param {string} name
   * @param {() => Promise<string | void>} body may resolve to a few words for the line
   * @param {number} [timeoutMs] of an idle machine
   */
  async test(name, body, timeoutMs = 30_000) {
    const startedMs = performance.now()
    const limitMs = timeoutMs * CASE_PATIENCE
    let timer
    const tooLong = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${limitMs} ms`)), limitMs)
    })
    try {
      const words = await Promise.race([body(), tooLong])
      this.passed(name, performance.now() - startedMs, words ?? '')
    } catch (error) {
      this.failed(name, error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** @param {string} name */
  passed(name, tookMs = 0, words = '') {
    this.passedCount++
    const seconds = tookMs > 0 ? ` (${(tookMs / 1000).toFixed(1)} s)` : ''
    console.log(`ok     ${this.name}: ${name}${words === '' ? '' : `: ${words}`}${seconds}`)
  }

  /**
   * @param {string} name
   * @param {unknown} error
   */
  failed(name, error) {
    this.failedCount++
    console.log(`FAILED ${this.name}: ${name}`)
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    console.log(text.slice(0, 4000).replace(/^/gm, '    '))
    writeFileSync(join(this.directory, `failure-${this.failedCount}.txt`), `${name}\n\n${text}\n`)
    if (this.failedCount <= FAILURES_WITH_LOGS) this.#printLogs()
  }

  close() {
    if (this.failedCount === 0) rmSync(this.directory, { recursive: true, force: true })
    else console.log(`       logs are in ${this.directory}`)
  }

  /** Where CI fails nobody comes to read the directory, and at the end of the suite the moment is long gone. */
  #printLogs() {
    for (const name of readdirSync(this.directory, { recursive: true })) {
      // Of nodes, which have a folder each; segments in their data are logs of another kind.
      if (!name.endsWith('.log') || name.split('/').length > 2) continue
      const lines = readFileSync(join(this.directory, name), 'utf8').trimEnd().split('\n').slice(-LOG_LINES)
      console.log(`       the end of ${name}:`)
      for (const line of lines) console.log(`       | ${line.slice(0, 300)}`)
    }
  }
}
