/**
 * One open file. Calls wrap Node's callbacks once, without FileHandle's layers in between.
 *
 * A descriptor is a small number that the system gives to the next file as soon as it is closed; an operation that
 * still carried it would write into a stranger. So `close` waits until all operations under way have ended, and nothing
 * starts after it.
 */
import fs from 'node:fs'
import { DiskError, type DiskFile } from '../world.ts'
import { BRISK_BYTES_MAX, type Brisk } from './brisk.ts'
import { toDiskError } from './disk-errors.ts'

/** A write on the caller's thread that takes longer stops such writes for a while. */
const SLOW_WRITE_MS = 2
const SLOW_REST_MS = 1000
/** Writes on the caller's thread in one turn of the loop: 10 to 30 ms, for which nobody else is served. */
export const TURN_WRITES_MAX = 1000

/** Shared by the files of one disk: a disk that was slow for one file is slow for the next. */
export class SlowWrites {
  #refuseUntilMs = 0
  #writesInTurn = 0

  refuses(): boolean {
    return this.#writesInTurn >= TURN_WRITES_MAX || performance.now() < this.#refuseUntilMs
  }

  took(startedMs: number): void {
    if (this.#writesInTurn++ === 0) {
      setImmediate(() => {
        this.#writesInTurn = 0
      })
    }
    const nowMs = performance.now()
    if (nowMs - startedMs > SLOW_WRITE_MS) this.#refuseUntilMs = nowMs + SLOW_REST_MS
  }
}

const FLAGS = {
  read: fs.constants.O_RDONLY,
  update: fs.constants.O_RDWR,
  write: fs.constants.O_RDWR | fs.constants.O_CREAT,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
} as const

export function openFile(
  path: string,
  mode: keyof typeof FLAGS,
  slowWrites: SlowWrites,
  brisk: Brisk,
): Promise<DiskFile> {
  const opened = (fd: number): DiskFile => new NodeFile(path, fd, slowWrites, brisk)
  if (brisk.isOn) return brisk.run(path, () => opened(fs.openSync(path, FLAGS[mode], 0o644)))
  return new Promise((resolve, reject) => {
    fs.open(path, FLAGS[mode], 0o644, (error, fd) => {
      if (error !== null) reject(toDiskError(path, error))
      else resolve(opened(fd))
    })
  })
}

class NodeFile implements DiskFile {
  readonly path: string
  readonly #fd: number
  readonly #slowWrites: SlowWrites
  readonly #brisk: Brisk
  #closed = false
  #underWay = 0
  #idle: (() => void) | null = null

  constructor(path: string, fd: number, slowWrites: SlowWrites, brisk: Brisk) {
    this.path = path
    this.#fd = fd
    this.#slowWrites = slowWrites
    this.#brisk = brisk
  }

  read(into: Buffer, position: number): Promise<number> {
    if (this.#isBrisk(into.length)) {
      return this.#brisk.run(this.path, () => {
        let done = 0
        while (done < into.length) {
          const bytes = fs.readSync(this.#fd, into, done, into.length - done, position + done)
          if (bytes === 0) break
          done += bytes
        }
        return done
      })
    }
    return this.#operation((resolve, reject) => {
      let done = 0
      const step = (error: Error | null, bytes: number): void => {
        if (error !== null) return reject(error)
        done += bytes
        if (bytes === 0 || done === into.length) return resolve(done)
        fs.read(this.#fd, into, done, into.length - done, position + done, step)
      }
      fs.read(this.#fd, into, 0, into.length, position, step)
    })
  }

  write(buffers: readonly Buffer[], position: number): Promise<void> {
    if (this.#isBrisk(totalBytes(buffers))) {
      return this.#brisk.run(this.path, () => this.#writeAll(buffers, position))
    }
    return this.#operation((resolve, reject) => {
      let rest = buffers
      let at = position
      const step = (error: Error | null, bytes: number): void => {
        if (error !== null) return reject(error)
        at += bytes
        rest = after(rest, bytes)
        if (rest.length === 0) return resolve()
        // A short write has a reason; asking for the rest tells it.
        if (bytes === 0) return reject(new DiskError('EIO', this.path, 'the system wrote nothing'))
        fs.writev(this.#fd, rest, at, step)
      }
      const only = buffers[0]
      if (only === undefined) return resolve()
      if (buffers.length === 1) fs.write(this.#fd, only, 0, only.length, position, step)
      else fs.writev(this.#fd, buffers, position, step)
    })
  }

  writeNow(buffers: readonly Buffer[], position: number): boolean {
    if (this.#closed) throw this.#closedError()
    if (this.#slowWrites.refuses()) return false
    const startedMs = performance.now()
    try {
      this.#writeAll(buffers, position)
    } catch (error) {
      throw toDiskError(this.path, error)
    }
    this.#slowWrites.took(startedMs)
    return true
  }

  #writeAll(buffers: readonly Buffer[], position: number): void {
    let rest = buffers
    let at = position
    while (rest.length > 0) {
      const bytes = fs.writevSync(this.#fd, rest, at)
      at += bytes
      rest = after(rest, bytes)
      if (bytes === 0 && rest.length > 0) throw new DiskError('EIO', this.path, 'the system wrote nothing')
    }
  }

  sync(): Promise<void> {
    return this.#operation((resolve, reject) => {
      fs.fsync(this.#fd, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  truncate(size: number): Promise<void> {
    if (this.#isBrisk(0)) return this.#brisk.run(this.path, () => fs.ftruncateSync(this.#fd, size))
    return this.#operation((resolve, reject) => {
      fs.ftruncate(this.#fd, size, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  size(): Promise<number> {
    if (this.#isBrisk(0)) return this.#brisk.run(this.path, () => fs.fstatSync(this.#fd).size)
    return this.#operation((resolve, reject) => {
      fs.fstat(this.#fd, (error, stats) => (error === null ? resolve(stats.size) : reject(error)))
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    const isBrisk = this.#isBrisk(0) && this.#underWay === 0
    this.#closed = true
    if (isBrisk) return this.#brisk.run(this.path, () => fs.closeSync(this.#fd))
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    await new Promise<void>((resolve, reject) => {
      fs.close(this.#fd, (error) =>
        error === null || error === undefined ? resolve() : reject(toDiskError(this.path, error)),
      )
    })
  }

  #isBrisk(bytes: number): boolean {
    return !this.#closed && bytes <= BRISK_BYTES_MAX && this.#brisk.isOn
  }

  #operation<T>(start: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closedError())
      this.#underWay += 1
      start(
        (value) => {
          this.#ended()
          resolve(value)
        },
        (error) => {
          this.#ended()
          reject(toDiskError(this.path, error))
        },
      )
    })
  }

  #ended(): void {
    this.#underWay -= 1
    if (this.#underWay === 0 && this.#idle !== null) this.#idle()
  }

  #closedError(): DiskError {
    return new DiskError('EUNKNOWN', this.path, 'the file is closed')
  }
}

function totalBytes(buffers: readonly Buffer[]): number {
  let bytes = 0
  for (const buffer of buffers) bytes += buffer.length
  return bytes
}

/** What remains of `buffers` behind the first `bytes`. */
function after(buffers: readonly Buffer[], bytes: number): readonly Buffer[] {
  let left = bytes
  for (const [index, buffer] of buffers.entries()) {
    if (left < buffer.length)
      return left === 0 ? buffers.slice(index) : [buffer.subarray(left), ...buffers.slice(index + 1)]
    left -= buffer.length
  }
  return []
}
