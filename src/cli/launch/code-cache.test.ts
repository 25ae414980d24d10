import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { loadProgram, RUNS_MAX, SHAPES_MAX, type Place, type Program } from './code-cache.ts'

const home = mkdtempSync(join(tmpdir(), 'klamm-cache-'))
afterAll(() => rmSync(home, { recursive: true }))
let made = 0

/** A directory with a program of two pieces in it, and one for its caches. V8 remembers sources of this process, so each is another. */
function place(hash = 'AAAA1111') {
  const directory = join(home, String((made += 1)))
  mkdirSync(directory)
  const path = join(directory, `tool-${hash}.cjs`)
  const sources = [
    `(function(){/* ${made} */function answer(){return 41+1}return answer()})\n`,
    `(function(){/* ${made} */function where(){return new Error().stack}return where()})\n`,
  ]
  writeFileSync(path, sources.join(''))
  const lengths = sources.map((source) => source.length)
  const [first = 0, second = 0] = lengths
  const places: readonly [Place, Place] = [
    [0, first, 0],
    [first, second, 1],
  ]
  return { path, places, caches: join(directory, 'caches') }
}

function load(path: string, directories: readonly string[], { variant = '', shape = '' } = {}): Program {
  return loadProgram(path, { directories, variant, shape })
}

function run(program: Program, name: string, place: Place): unknown {
  const piece = program.piece(name, place)
  return typeof piece === 'function' ? piece() : piece
}

function onlyCache(directory: string): string {
  const [name, ...others] = readdirSync(directory)
  if (name === undefined || others.length > 0) throw new Error(`one cache, not ${readdirSync(directory)}`)
  return join(directory, name)
}

test('the first runs write the cache, each adding to what it took, and later ones only take it', () => {
  const { path, places, caches } = place()
  for (let done = 0; done < RUNS_MAX + 2; done++) {
    const program = load(path, [caches])
    expect(program.runs).toBe(Math.min(done, RUNS_MAX))
    expect(run(program, 'answer', places[0])).toBe(42)
    if (done === RUNS_MAX) rmSync(caches, { recursive: true })
    program.save()
    program.save()
    if (done === RUNS_MAX) break
    expect(onlyCache(caches)).toContain(`tool-${process.version}-${process.arch}`)
  }
  expect(() => readdirSync(caches)).toThrow(/ENOENT/)
})

test('a run of another shape adds the pieces that it used to those of others', () => {
  const { path, places, caches } = place()
  for (let runs = 0; runs < RUNS_MAX; runs++) {
    const program = load(path, [caches], { shape: '--list' })
    run(program, 'answer', places[0])
    program.save()
  }
  const full = readFileSync(onlyCache(caches))
  const other = load(path, [caches], { shape: '--describe' })
  expect(other.runs).toBe(0)
  run(other, 'where', places[1])
  other.save()
  const both = readFileSync(onlyCache(caches))
  expect(both.length).toBeGreaterThan(full.length)
  expect(both.includes(full.subarray(1024, full.length - 200))).toBe(true)
  expect(load(path, [caches], { shape: '--list' }).runs).toBe(RUNS_MAX)
  expect(load(path, [caches], { shape: '--describe' }).runs).toBe(1)
})

test('after many shapes new ones write no more: each run of some tool could be the first of its shape', () => {
  const { path, caches } = place()
  for (let shape = 0; shape < SHAPES_MAX + 3; shape++) load(path, [caches], { shape: `--option-${shape}` }).save()
  expect(load(path, [caches], { shape: `--option-${SHAPES_MAX - 1}` }).runs).toBe(1)
  expect(load(path, [caches], { shape: `--option-${SHAPES_MAX}` }).runs).toBe(0)
})

test('an error of a later piece names the line of the whole file, also from the cache', () => {
  const { path, places, caches } = place()
  for (const runs of [0, 1]) {
    const program = load(path, [caches])
    expect(program.runs).toBe(runs)
    expect(run(program, 'where', places[1])).toContain(`${path}:2:`)
    program.save()
  }
})

test('each tool of one program has a cache of its own', () => {
  const { path, caches } = place()
  for (const variant of ['kafka-topics', 'kafka-acls', '']) load(path, [caches], { variant }).save()
  expect(readdirSync(caches)).toHaveLength(3)
  expect(load(path, [caches], { variant: 'kafka-topics' }).runs).toBe(1)
  expect(load(path, [caches], { variant: 'kafka-groups' }).runs).toBe(0)
})

test('another program of the same tool and length does not run from the cache', () => {
  const first = place('AAAA1111')
  const program = load(first.path, [first.caches])
  run(program, 'answer', first.places[0])
  program.save()
  const other = join(home, String(made), 'tool-BBBB2222.cjs')
  writeFileSync(other, readFileSync(first.path, 'latin1').replace('41+1', '41+2'))
  const changed = load(other, [first.caches])
  expect(changed.runs).toBe(0)
  expect(run(changed, 'answer', first.places[0])).toBe(43)
})

test('a damaged cache is left out and written anew: V8 would crash on it', () => {
  const { path, places, caches } = place()
  const first = load(path, [caches])
  run(first, 'answer', places[0])
  first.save()
  const cache = onlyCache(caches)
  const whole = readFileSync(cache)
  for (const damaged of [
    whole.subarray(0, 100),
    whole.subarray(0, whole.length - 8),
    flipped(whole, 20),
    flipped(whole, 1300),
    flipped(whole, whole.length - 2),
    Buffer.alloc(0),
  ]) {
    writeFileSync(cache, damaged)
    const program = load(path, [caches])
    expect(program.runs).toBe(0)
    expect(run(program, 'answer', places[0])).toBe(42)
    program.save()
    expect(load(path, [caches]).runs).toBe(1)
  }
})

test.runIf(process.platform !== 'win32')('a cache that others may write is not taken', () => {
  const { path, caches } = place()
  load(path, [caches]).save()
  const cache = onlyCache(caches)
  chmodSync(cache, 0o664)
  expect(load(path, [caches]).runs).toBe(0)
  chmodSync(cache, 0o644)
  expect(load(path, [caches]).runs).toBe(1)
})

test('where the first directory can not be written the second holds the cache, and without any nothing happens', () => {
  const { path, caches } = place()
  const none = join(path, 'below-a-file')
  load(path, [none, caches]).save()
  expect(load(path, [none, caches]).runs).toBe(1)
  load(path, [none]).save()
  load(path, []).save()
  expect(load(path, [none]).runs).toBe(0)
})

test('another process with the same Node takes the cache, and one with other flags has its own', () => {
  const { path, places, caches } = place()
  const script = join(home, 'other.cjs')
  const contents = `import { loadProgram } from './code-cache.ts'
const program = loadProgram(${JSON.stringify(path)}, { directories: [${JSON.stringify(caches)}], variant: '', shape: '' })
console.log(program.runs, program.piece('answer', ${JSON.stringify(places[0])})(), program.runs)
program.save()`
  const stdin = { contents, resolveDir: import.meta.dirname }
  buildSync({ stdin, bundle: true, platform: 'node', format: 'cjs', outfile: script })
  const runs = (...flags: readonly string[]) =>
    execFileSync(process.execPath, [...flags, script], { encoding: 'utf8' }).trim()
  expect(runs()).toBe('0 42 0')
  expect(runs()).toBe('1 42 1')
  expect(runs('--stack-size=900')).toBe('0 42 0')
  expect(runs('--stack-size=900')).toBe('1 42 1')
  expect(runs()).toBe('2 42 2')
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 0xff
  return copy
}
