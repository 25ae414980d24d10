import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { GENERATIONS_MAX, loadProgram } from './code-cache.ts'

const home = mkdtempSync(join(tmpdir(), 'klamm-cache-'))
afterAll(() => rmSync(home, { recursive: true }))
let made = 0

/** A directory with a program in it, and one for its caches. V8 remembers sources of this process, so each is another. */
function place(hash = 'AAAA1111') {
  const directory = join(home, String((made += 1)))
  mkdirSync(directory)
  const path = join(directory, `tool-${hash}.cjs`)
  writeFileSync(path, `(function(){/* ${made} */function answer(){return 41+1}return answer()})`)
  return { path, caches: join(directory, 'caches') }
}

function answerOf({ script }: ReturnType<typeof loadProgram>): unknown {
  const run: unknown = script.runInThisContext()
  return typeof run === 'function' ? run() : run
}

function onlyCache(directory: string): string {
  const [name, ...others] = readdirSync(directory)
  if (name === undefined || others.length > 0) throw new Error(`one cache, not ${readdirSync(directory)}`)
  return join(directory, name)
}

test('the first runs write the cache, each adding to what it took, and later ones only take it', () => {
  const { path, caches } = place()
  for (let run = 0; run < GENERATIONS_MAX + 2; run++) {
    const program = loadProgram(path, [caches])
    expect(program.generation).toBe(Math.min(run, GENERATIONS_MAX))
    expect(answerOf(program)).toBe(42)
    if (run === GENERATIONS_MAX) rmSync(caches, { recursive: true })
    program.save()
    program.save()
    if (run === GENERATIONS_MAX) break
    expect(onlyCache(caches)).toContain(`tool-${process.version}-${process.arch}`)
  }
  expect(() => readdirSync(caches)).toThrow(/ENOENT/)
})

test('each tool of one program has a cache of its own', () => {
  const { path, caches } = place()
  for (const variant of ['kafka-topics', 'kafka-acls', '']) loadProgram(path, [caches], variant).save()
  expect(readdirSync(caches)).toHaveLength(3)
  expect(loadProgram(path, [caches], 'kafka-topics').generation).toBe(1)
  expect(loadProgram(path, [caches], 'kafka-groups').generation).toBe(0)
})

test('another program of the same tool and length does not run from the cache', () => {
  const first = place('AAAA1111')
  const program = loadProgram(first.path, [first.caches])
  program.save()
  const other = join(home, String(made), 'tool-BBBB2222.cjs')
  writeFileSync(other, readFileSync(first.path, 'latin1').replace('41+1', '41+2'))
  const changed = loadProgram(other, [first.caches])
  expect(changed.generation).toBe(0)
  expect(answerOf(changed)).toBe(43)
})

test('a damaged cache is left out and written anew: V8 would crash on it', () => {
  const { path, caches } = place()
  loadProgram(path, [caches]).save()
  const cache = onlyCache(caches)
  const whole = readFileSync(cache)
  for (const damaged of [
    whole.subarray(0, 100),
    whole.subarray(0, whole.length - 8),
    flipped(whole, 1300),
    Buffer.alloc(0),
  ]) {
    writeFileSync(cache, damaged)
    const program = loadProgram(path, [caches])
    expect(program.generation).toBe(0)
    expect(answerOf(program)).toBe(42)
    program.save()
    expect(loadProgram(path, [caches]).generation).toBe(1)
  }
})

test.runIf(process.platform !== 'win32')('a cache that others may write is not taken', () => {
  const { path, caches } = place()
  loadProgram(path, [caches]).save()
  const cache = onlyCache(caches)
  chmodSync(cache, 0o664)
  expect(loadProgram(path, [caches]).generation).toBe(0)
  chmodSync(cache, 0o644)
  expect(loadProgram(path, [caches]).generation).toBe(1)
})

test('where the first directory can not be written the second holds the cache, and without any nothing happens', () => {
  const { path, caches } = place()
  const none = join(path, 'below-a-file')
  loadProgram(path, [none, caches]).save()
  expect(loadProgram(path, [none, caches]).generation).toBe(1)
  loadProgram(path, [none]).save()
  loadProgram(path, []).save()
  expect(loadProgram(path, [none]).generation).toBe(0)
})

test('another process with the same Node takes the cache, and one with other flags has its own', () => {
  const { path, caches } = place()
  const script = join(home, 'other.cjs')
  const contents = `import { loadProgram } from './code-cache.ts'
const { script, generation, save } = loadProgram(${JSON.stringify(path)}, [${JSON.stringify(caches)}])
console.log(generation, script.cachedDataRejected ?? 'none', script.runInThisContext()())
save()`
  const stdin = { contents, resolveDir: import.meta.dirname }
  buildSync({ stdin, bundle: true, platform: 'node', format: 'cjs', outfile: script })
  const run = (...flags: readonly string[]) =>
    execFileSync(process.execPath, [...flags, script], { encoding: 'utf8' }).trim()
  expect(run()).toBe('0 none 42')
  expect(run()).toBe('1 false 42')
  expect(run('--stack-size=900')).toBe('0 none 42')
  expect(run('--stack-size=900')).toBe('1 false 42')
  expect(run()).toBe('2 false 42')
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 0xff
  return copy
}
