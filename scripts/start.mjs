/**
 * `npm start`: makes sure that dist/ is what the sources say, then runs the server from it in this process. With
 * everything up to date the check costs a few milliseconds; what runs is the same file as bin/kafka-server-start.sh runs.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, ROOT } from './setup.mjs'

await build()
const entry = join(ROOT, 'dist', 'cli', 'server-start.js')
process.argv[1] = entry
await import(pathToFileURL(entry).href)
