/** Writes docs/CONFIGURATION.md from the tables in src/config. Run by `node scripts/run.mjs scripts/configuration.ts`. */
import { writeFileSync } from 'node:fs'
import { configurationPage } from '../src/config/configuration-page.ts'

writeFileSync('docs/CONFIGURATION.md', configurationPage())
