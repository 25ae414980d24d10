/** Klamm as a process of its own, from the source as it is. */
import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeProperties, waitUntilListening, type Server } from './server.ts'

export async function startKlamm(directory: string, port: number): Promise<Server> {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'server.properties')
  writeFileSync(file, nodeProperties(join(directory, 'data'), port))
  const logFile = join(directory, 'server.log')
  const child = spawn(process.execPath, ['scripts/run.mjs', 'src/cli/server-start.ts', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  await waitUntilListening(port, child, logFile)
  return {
    name: 'Klamm',
    port,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve()
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}
