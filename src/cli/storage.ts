/** Entry of bin/kafka-storage.sh. */
import { nodeWorld } from '../world/node/index.ts'
import { runStorage } from './storage/run-storage.ts'

void runStorage(process.argv.slice(2), nodeWorld(), {
  out: (line) => void process.stdout.write(`${line}\n`),
  error: (line) => void process.stderr.write(`${line}\n`),
}).then((exitCode) => (process.exitCode = exitCode))
