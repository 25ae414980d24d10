/** Entry of bin/kafka-server-start.sh, `klamm start` and `npm start`. */
import { hostname } from 'node:os'
import { startNode } from '../server/node.ts'
import { prepareLocks } from '../world/node/file-lock.ts'
import { nodeWorld } from '../world/node/index.ts'
import { runServer } from './server/run-server.ts'
import { logLevel, logWriter } from './terminal/log-writer.ts'
import { VERSION } from './terminal/version.ts'

/** Formatting waits for the disk by then. */
const LOCKS_AFTER_MS = 2

const world = nodeWorld()
// A reader that went away (a closed pipe) must not end the server.
process.stdout.on('error', () => {})
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const level = logLevel(process.env['KLAMM_LOG_LEVEL'])
const logger = logWriter({ level, wallMs: () => world.clock.wallMs(), write: print }, 'kafka.server.KafkaRaftServer')

// Nothing may throw past the node; if something does, what it left behind cannot be trusted.
process.on('uncaughtException', (error) => {
  logger.error('Stopping at once after an error that nobody handled', error)
  process.exit(1)
})

void runServer({
  argv: process.argv.slice(2),
  version: VERSION,
  world,
  logger,
  startNode: async (options) => {
    // While the disk is busy with formatting; a start that comes to locking before prepares it itself.
    setTimeout(() => void prepareLocks(), LOCKS_AFTER_MS)
    const nodeOptions = { ...options, hostName: hostname() }
    if (options.config.processRoles.has('broker')) return startNode(nodeOptions)
    const { startControllerNode } = await import('../server/controller-node.ts')
    return startControllerNode(nodeOptions)
  },
  print,
  onSignal: (asked) => {
    process.on('SIGTERM', asked)
    process.on('SIGINT', asked)
  },
  exitNow: (code) => process.exit(code),
}).then((exitCode) => process.exit(exitCode))
