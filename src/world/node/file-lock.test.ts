import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { lockFile } from './file-lock.ts'

const home = mkdtempSync(join(tmpdir(), 'klamm-lock-'))
afterAll(() => rmSync(home, { recursive: true }))

/** Another process that locks as a JVM does: it says `locked` or `held`, and lets go when its input ends. */
const OTHER = `
const fs = require('node:fs')
const koffi = require('koffi')
const fcntl = koffi.load(null).func('int fcntl(int fd, int cmd, ...)')
const linux = process.platform === 'linux'
const flock = Buffer.alloc(32)
flock.writeInt16LE(linux ? 1 : 3, linux ? 0 : 20)
const fd = fs.openSync(process.argv[1], 'a')
console.log(fcntl(fd, linux ? 6 : 8, 'void *', flock) === 0 ? 'locked' : 'held')
process.stdin.resume()
`

async function otherProcess(path: string): Promise<{ answer: string; end: () => Promise<void> }> {
  const child = spawn(process.execPath, ['-e', OTHER, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const answer = await new Promise<string>((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(String(data).trim())),
  )
  const end = (): Promise<void> => {
    child.stdin.end()
    return exited
  }
  return { answer, end }
}

test('a second lock in this process is refused until the first is released', async () => {
  const path = join(home, 'one')
  const [first, second] = await Promise.all([lockFile(path), lockFile(path)])
  expect(first).not.toBeNull()
  expect(second).toBeNull()
  expect(await lockFile(join(home, '.', 'one'))).toBeNull()
  await first?.release()
  await first?.release()
  const again = await lockFile(path)
  expect(again).not.toBeNull()
  await again?.release()
})

test('another process is refused while we hold the lock, even behind refused attempts of our own', async () => {
  const path = join(home, 'ours')
  const lock = await lockFile(path)
  expect(await lockFile(path)).toBeNull()
  const refused = await otherProcess(path)
  expect(refused.answer).toBe('held')
  await refused.end()
  await lock?.release()
  const granted = await otherProcess(path)
  expect(granted.answer).toBe('locked')
  await granted.end()
})

test('we are refused while another process holds the lock, and have it once that process is gone', async () => {
  const path = join(home, 'theirs')
  const other = await otherProcess(path)
  expect(other.answer).toBe('locked')
  expect(await lockFile(path)).toBeNull()
  await other.end()
  const lock = await lockFile(path)
  expect(lock).not.toBeNull()
  await lock?.release()
})

test.runIf(process.platform === 'linux')('the system lists the lock as ours', async () => {
  const path = join(home, 'listed')
  const lock = await lockFile(path)
  const lines = readFileSync('/proc/locks', 'latin1').split('\n')
  const ours = lines.filter((line) => line.includes(`:${statSync(path).ino} `))
  expect(ours).toHaveLength(1)
  expect(ours[0]).toMatch(new RegExp(` POSIX +ADVISORY +WRITE ${process.pid} .* 0 EOF$`))
  await lock?.release()
})

test('a missing directory is an error with a code', async () => {
  await expect(lockFile(join(home, 'none', '.lock'))).rejects.toMatchObject({ name: 'DiskError', code: 'ENOENT' })
})
