/**
 * Whether package-lock.json serves every platform, as `npm ci` demands: each optional package that another names has an entry, with
 * its version and the platform that it is for. npm writes no entry for what the registry did not have when the file was made
 * (mirrors lack binaries of other platforms), and `npm ci` then refuses the whole file. An entry that npm left out is
 * added by hand: version, os, cpu (libc), `"optional": true`, and `"dev": true` if its parent has that.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const faults = []
for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
  for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
    const locked = packages[`node_modules/${name}`]?.version
    if (locked !== version) faults.push(`${name} is ${locked ?? 'missing'}, package.json says ${version}`)
  }
}
for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const entry = packages[`${path}/node_modules/${name}`] ?? packages[`node_modules/${name}`]
    const parent = path || 'package.json'
    if (entry === undefined) faults.push(`${name}@${version}, optional in ${parent}, has no entry`)
    else if (entry.integrity === undefined && entry.os === undefined && entry.cpu === undefined) {
      faults.push(`${name}, written by hand, does not say for which os and cpu it is`)
    }
  }
}
for (const fault of faults) console.error(`package-lock.json: ${fault}`)
process.exitCode = faults.length === 0 ? 0 : 1
