/**
 * Child processes: run to their end with a time-out and input, or kept running until the suite ends. All of them are
 * known, so that nothing outlives the run.
 */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../../scripts/setup.mjs'

/** Of this project, as it was built. */
const CLIENT = pathToFileURL(join(ROOT, 'dist', 'index.js')).href

const running = new Set()

/** Kills what is still there. */
export function stopAll() {
  for (const child of running) child.kill('SIGKILL')
}

/**
 * @typedef {object} RunOptions
 * @property {string | Buffer} [input]
 * @property {number} [timeoutMs]
 * @property {Record<string, string>} [env] added to this process's
 * @property {string} [cwd]
 * @property {number} [expectExit] 0 unless told; anything else is an error with the output in it
 * @property {(line: string) => void} [onLine] each line of standard output as it comes
 */

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<{ stdout: string, stderr: string, bytes: Buffer }>}
 */
export function run(command, args, options = {}) {
  const { input, timeoutMs = 30_000, env, cwd, expectExit = 0, onLine } = options
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(child)
    const out = []
    const err = []
    let rest = ''
    child.stdout.on('data', (piece) => {
      out.push(piece)
      if (onLine === undefined) return
      const lines = (rest + piece.toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine(line)
    })
    child.stderr.on('data', (piece) => err.push(piece))
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, timeoutMs)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      running.delete(child)
      const bytes = Buffer.concat(out)
      const stdout = bytes.toString()
      const stderr = Buffer.concat(err).toString()
      if (!late && code === expectExit) return resolve({ stdout, stderr, bytes })
      const why = late ? `still running after ${timeoutMs} ms` : `exit ${code ?? signal}`
      reject(new Error(`${command} ${args.join(' ')}: ${why}\n${stderr.slice(-2500)}\n${stdout.slice(-1500)}`))
    })
    child.stdin.on('error', () => {}) // it may have ended without reading
    child.stdin.end(input ?? '')
  })
}

/**
 * A process that stays, its output in a file.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ logFile: string, cwd?: string, env?: Record<string, string>, onLine?: (line: string) => void }} options
 */
export function start(command, args, { logFile, cwd, env, onLine }) {
  const log = createWriteStream(logFile, { flags: 'a' })
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  running.add(child)
  let rest = ''
  child.stdout.on('data', (piece) => {
    log.write(piece)
    const lines = (rest + piece.toString()).split('\n')
    rest = lines.pop() ?? ''
    if (onLine !== undefined) for (const line of lines) onLine(line)
  })
  child.stderr.on('data', (piece) => log.write(piece))
  child.stdin.on('error', () => {})
  const ended = new Promise((resolve) => {
    child.on('error', (error) => {
      running.delete(child)
      log.end(`${error}\n`)
      resolve('did not start')
    })
    child.on('close', (code, signal) => {
      running.delete(child)
      log.end(() => resolve(code ?? signal))
    })
  })
  return {
    pid: child.pid,
    stdin: child.stdin,
    /** Resolves to the exit code or the signal. */
    ended,
    /** @param {NodeJS.Signals} signal */
    signal(signal) {
      child.kill(signal)
    },
    /** @param {NodeJS.Signals} signal */
    async stop(signal = 'SIGTERM', timeoutMs = 30_000) {
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      const how = await ended
      clearTimeout(timer)
      return how
    },
  }
}

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Asks until `probe` gives something else than null, undefined or false. An error that Kafka calls retriable is no answer yet:
 * a broker that hasn't heard of a topic that was created a moment ago, say.
 * @template T
 * @param {() => Promise<T> | T} probe
 */
export async function until(probe, what, timeoutMs = 30_000) {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    let last = ''
    try {
      const found = await probe()
      if (found !== null && found !== undefined && found !== false) return found
    } catch (error) {
      const { isRetriable } = await import(CLIENT)
      if (!isRetriable(error)) throw error
      last = ` (${error.message})`
    }
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}${last}`)
    await sleep(50)
  }
}
