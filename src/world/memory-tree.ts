/**
 * The directories of a memory disk, and which of their entries a power loss would leave.
 *
 * Creating, removing and renaming change the present entries at once. Durable they become when their directory is
 * synced; until then each change is lost or kept for itself at a power loss. A rename inside one directory is one
 * change. Between two directories each parent's sync makes its own half durable, as POSIX allows.
 */
import { DiskError } from './world.ts'
import type { MemoryBytes } from './memory-bytes.ts'

export interface MemoryFileNode {
  readonly kind: 'file'
  readonly bytes: MemoryBytes
  modifiedMs: number
}

export interface MemoryDirectoryNode {
  readonly kind: 'directory'
  readonly entries: Map<string, MemoryNode>
  readonly durable: Map<string, MemoryNode>
  modifiedMs: number
}

export type MemoryNode = MemoryFileNode | MemoryDirectoryNode

interface Effect {
  readonly directory: MemoryDirectoryNode
  readonly name: string
  /** Null: the name goes. */
  readonly node: MemoryNode | null
}

export function newDirectory(modifiedMs: number): MemoryDirectoryNode {
  return { kind: 'directory', entries: new Map(), durable: new Map(), modifiedMs }
}

export class MemoryTree {
  readonly #root: MemoryDirectoryNode = newDirectory(0)
  /** In the order in which they were made. */
  #unsynced: Effect[][] = []
  readonly #trackUnsynced: boolean

  constructor(trackUnsynced: boolean) {
    this.#trackUnsynced = trackUnsynced
  }

  find(path: string): MemoryNode | null {
    let node: MemoryNode = this.#root
    for (const name of namesOf(path)) {
      if (node.kind === 'file') throw new DiskError('ENOTDIR', path, 'a file stands in the place of a directory')
      const next = node.entries.get(name)
      if (next === undefined) return null
      node = next
    }
    return node
  }

  /** The directory that holds the last name of `path`, which must exist. */
  parentOf(path: string): { directory: MemoryDirectoryNode; name: string } {
    const names = namesOf(path)
    const name = names.pop()
    const directory = this.find(names.join('/'))
    if (name === undefined || directory === null) throw new DiskError('ENOENT', path, 'no such file or directory')
    if (directory.kind === 'file') throw new DiskError('ENOTDIR', path, 'a file stands in the place of a directory')
    return { directory, name }
  }

  makeDirectory(path: string, nowMs: number): void {
    let directory = this.#root
    for (const name of namesOf(path)) {
      let next = directory.entries.get(name)
      if (next === undefined) {
        next = newDirectory(nowMs)
        this.change([{ directory, name, node: next }], nowMs)
      }
      if (next.kind === 'file') throw new DiskError('EEXIST', path, 'a file stands in the place of a directory')
      directory = next
    }
  }

  rename(from: string, to: string, nowMs: number): void {
    const source = this.parentOf(from)
    const target = this.parentOf(to)
    const node = source.directory.entries.get(source.name)
    if (node === undefined) throw new DiskError('ENOENT', from, 'no such file or directory')
    const replaced = target.directory.entries.get(target.name)
    if (replaced === node) return
    if (replaced?.kind === 'directory') {
      if (node.kind === 'file') throw new DiskError('EUNKNOWN', to, 'a directory stands in the place of a file')
      if (replaced.entries.size > 0) throw new DiskError('ENOTEMPTY', to, 'the directory is not empty')
    }
    if (replaced?.kind === 'file' && node.kind === 'directory') {
      throw new DiskError('ENOTDIR', to, 'a file stands in the place of a directory')
    }
    this.change(
      [
        { ...target, node },
        { ...source, node: null },
      ],
      nowMs,
    )
  }

  removeTree(path: string, nowMs: number): void {
    const node = this.find(path)
    if (node === null) return
    if (node.kind === 'directory') {
      for (const name of node.entries.keys()) this.removeTree(`${path}/${name}`, nowMs)
    }
    if (node !== this.#root) this.change([{ ...this.parentOf(path), node: null }], nowMs)
  }

  /** Effects of one change are kept or lost together, unless only one of their directories is synced. */
  change(effects: Effect[], nowMs: number): void {
    for (const effect of effects) {
      apply(effect.directory.entries, effect)
      effect.directory.modifiedMs = nowMs
    }
    if (this.#trackUnsynced) this.#unsynced.push(effects)
  }

  sync(directory: MemoryDirectoryNode): void {
    const left: Effect[][] = []
    for (const effects of this.#unsynced) {
      const rest = effects.filter((effect) => effect.directory !== directory)
      for (const effect of effects) if (effect.directory === directory) apply(directory.durable, effect)
      if (rest.length > 0) left.push(rest)
    }
    this.#unsynced = left
  }

  losePower(isKept: () => boolean): void {
    for (const effects of this.#unsynced) {
      if (isKept()) for (const effect of effects) apply(effect.directory.durable, effect)
    }
    this.#unsynced = []
    for (const node of this.nodes('durable')) {
      if (node.kind === 'file') continue
      node.entries.clear()
      for (const [name, entry] of node.durable) node.entries.set(name, entry)
    }
  }

  /** Everything that can be reached, each once; in the order of creation, so that a seed visits it in one order. */
  nodes(through: 'entries' | 'durable'): Set<MemoryNode> {
    const found = new Set<MemoryNode>([this.#root])
    for (const node of found) {
      if (node.kind === 'directory') for (const entry of node[through].values()) found.add(entry)
    }
    return found
  }
}

function apply(entries: Map<string, MemoryNode>, effect: Effect): void {
  if (effect.node === null) entries.delete(effect.name)
  else entries.set(effect.name, effect.node)
}

function namesOf(path: string): string[] {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return names
}
