/**
 * Child processes: run to their end with a time-out and input, or kept running until the suite ends. All of them are
 * known, so that nothing outlives the run.
 */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { PATIENCE } from './waiting.mjs'

export { becomes, sleep, until } from './waiting.mjs'

const running = new Set()

/** Kills what is still there. */
export function stopAll() {
  for (const child of running) child.kill('SIGKILL')
}

/**
 * @typedef {object} RunOptions
 * @property {string | Buffer} [input]
 * @property {number} [timeoutMs] of an idle machine
 * @property {number} [patience] how many times as long it may take; 1 for what is not meant to end by itself
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
  const { input, timeoutMs = 30_000, patience = PATIENCE, env, cwd, expectExit = 0, onLine } = options
  const limitMs = timeoutMs * patience
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
    }, limitMs)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      running.delete(child)
      const bytes = Buffer.concat(out)
      const stdout = bytes.toString()
      const stderr = Buffer.concat(err).toString()
      if (!late && code === expectExit) return resolve({ stdout, stderr, bytes })
      const why = late ? `still running after ${limitMs} ms` : `exit ${code ?? signal}`
      const text = `${command} ${args.join(' ')}: ${why}\n${stderr.slice(-2500)}\n${stdout.slice(-1500)}`
      reject(Object.assign(new Error(text), { isOfTool: true }))
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
    async stop(signal = 'SIGTERM', timeoutMs = 120_000) {
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      const how = await ended
      clearTimeout(timer)
      return how
    },
  }
}
