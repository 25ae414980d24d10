/** The version of the package that runs: of package.json, beside dist/ and beside src/. */
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function packageVersion(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory)
    if (parent === directory) return 'unknown'
    directory = parent
  }
  const description: unknown = createRequire(import.meta.url)(join(directory, 'package.json'))
  if (typeof description !== 'object' || description === null || !('version' in description)) return 'unknown'
  return String(description.version)
}

export const VERSION = packageVersion()
