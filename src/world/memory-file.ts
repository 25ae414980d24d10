/** One open file of a memory disk. */
import type { MemoryFileNode } from './memory-tree.ts'
import type { DiskOperation, MemoryVolume } from './memory-volume.ts'
import { DiskError, type DiskFile } from './world.ts'

export class MemoryFile implements DiskFile {
  readonly path: string
  readonly #node: MemoryFileNode
  readonly #writable: boolean
  readonly #owner: number
  readonly #volume: MemoryVolume
  #closed = false

  constructor(path: string, node: MemoryFileNode, writable: boolean, owner: number, volume: MemoryVolume) {
    this.path = path
    this.#node = node
    this.#writable = writable
    this.#owner = owner
    this.#volume = volume
    volume.opened.add(this)
  }

  read(into: Buffer, position: number): Promise<number> {
    const operation = this.#describe('read', position, into.length)
    return this.#run(operation, () => {
      const length = this.#node.bytes.read(into, position)
      this.#volume.faults?.spoil(operation, into.subarray(0, length))
      return length
    })
  }

  write(buffers: readonly Buffer[], position: number): Promise<void> {
    return this.#run(
      this.#describe('write', position, lengthOf(buffers)),
      () => this.#write(buffers, position),
      (writtenBytes) => this.#write(prefixOf(buffers, writtenBytes), position),
    )
  }

  writeNow(buffers: readonly Buffer[], position: number): boolean {
    if (this.#closed) throw this.#closedError()
    if (this.#volume.process !== this.#owner) return true
    if (this.#volume.faults?.refusesWriteNow(this.path) === true) return false
    const failure = this.#volume.faults?.failure(this.#describe('writeNow', position, lengthOf(buffers))) ?? null
    this.#write(failure === null ? buffers : prefixOf(buffers, failure.writtenBytes), position)
    if (failure !== null) throw failure.error
    return true
  }

  async sync(): Promise<void> {
    await this.#run(
      this.#describe('sync', 0, 0),
      () => this.#node.bytes.sync(),
      () => this.#node.bytes.syncFailed(),
    )
  }

  truncate(size: number): Promise<void> {
    return this.#run(this.#describe('truncate', size, 0), () => {
      this.#checkWritable()
      this.#node.bytes.truncate(size)
      this.#node.modifiedMs = this.#volume.nowMs()
    })
  }

  size(): Promise<number> {
    return this.#run(this.#describe('stat', 0, 0), () => this.#node.bytes.size)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    const closed = this.#run(this.#describe('close', 0, 0), () => {})
    this.#closed = true
    this.#volume.opened.delete(this)
    await closed
  }

  #write(buffers: readonly Buffer[], position: number): void {
    this.#checkWritable()
    this.#volume.write(this.#node, this.path, buffers, position)
  }

  #checkWritable(): void {
    if (!this.#writable) throw new DiskError('EUNKNOWN', this.path, 'the file is open for reading only')
  }

  #run<T>(
    operation: DiskOperation,
    effect: () => T,
    partly: ((writtenBytes: number) => void) | null = null,
  ): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closedError())
    return this.#volume.run(this.#owner, operation, effect, partly)
  }

  #describe(kind: DiskOperation['kind'], position: number, bytes: number): DiskOperation {
    return { kind, path: this.path, position, bytes }
  }

  #closedError(): DiskError {
    return new DiskError('EUNKNOWN', this.path, 'the file is closed')
  }
}

function lengthOf(buffers: readonly Buffer[]): number {
  let length = 0
  for (const buffer of buffers) length += buffer.length
  return length
}

function prefixOf(buffers: readonly Buffer[], bytes: number): Buffer[] {
  const prefix: Buffer[] = []
  let left = bytes
  for (const buffer of buffers) {
    if (left <= 0) break
    prefix.push(buffer.subarray(0, left))
    left -= buffer.length
  }
  return prefix
}
