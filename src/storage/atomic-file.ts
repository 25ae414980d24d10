/**
 * Small files that are replaced as a whole: checkpoints, meta.properties, partition.metadata, quorum-state.
 *
 * After a crash or a power loss the file holds the old or the new content, never a part of either: the new content goes
 * to `<name>.tmp`, is synced, renamed over the old, and the directory is synced. A stale `.tmp` of a crash is simply
 * overwritten. Two replacements of one file may not run at once; its owner queues them.
 */
import type { Disk } from '../world/world.ts'
import { forEachBounded } from './bounded.ts'

export async function replaceFile(disk: Disk, path: string, data: Buffer): Promise<void> {
  await putFile(disk, path, data)
  await disk.syncDirectory(parentOf(path))
}

/** As `replaceFile`, but what a power loss leaves is decided by whoever syncs the directory: the old or the new content until then. */
export async function putFile(disk: Disk, path: string, data: Buffer): Promise<void> {
  await disk.rename(await writeDraft(disk, path, data), path)
}

/** The content durable under a name of its own, which it returns: to be renamed when everything that must come before is done. */
export async function writeDraft(disk: Disk, path: string, data: Buffer): Promise<string> {
  const draft = `${path}.tmp`
  const file = await disk.open(draft, 'write')
  try {
    await file.truncate(0)
    if (data.length > 0) await file.write([data], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  return draft
}

/**
 * A directory with its parents; all that was missing survives a power loss afterwards. Its own parent is synced in any
 * case: a process that died between making and syncing leaves a directory that only seems safe.
 */
export async function makeDurableDirectory(disk: Disk, path: string): Promise<void> {
  await syncDirectories(disk, await makeDirectory(disk, path))
}

/** A directory with its parents; returns those that have to be synced for it to survive a power loss. */
export async function makeDirectory(disk: Disk, path: string): Promise<readonly string[]> {
  const parents: string[] = [parentOf(path)]
  let at = path
  while ((await disk.stat(at)) === null) {
    const parent = parentOf(at)
    if (!parents.includes(parent)) parents.push(parent)
    if (parent === at || parent === '/' || parent === '.') break
    at = parent
  }
  await disk.makeDirectory(path)
  return parents
}

export function syncDirectories(disk: Disk, paths: readonly string[]): Promise<void> {
  return forEachBounded(paths, paths.length, (path) => disk.syncDirectory(path))
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  if (slash < 0) return '.'
  return slash === 0 ? '/' : path.slice(0, slash)
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
