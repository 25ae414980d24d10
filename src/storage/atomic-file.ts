/**
 * Small files that are replaced as a whole: checkpoints, meta.properties, partition.metadata, quorum-state.
 *
 * After a crash or a power loss the file holds the old or the new content, never a part of either: the new content goes
 * to `<name>.tmp`, is synced, renamed over the old, and the directory is synced. A stale `.tmp` of a crash is simply
 * overwritten. Two replacements of one file may not run at once; its owner queues them.
 */
import type { Disk } from '../world/world.ts'

export async function replaceFile(disk: Disk, path: string, data: Buffer): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await disk.open(temporary, 'write')
  try {
    await file.truncate(0)
    if (data.length > 0) await file.write([data], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, path)
  await disk.syncDirectory(parentOf(path))
}

/**
 * A directory with its parents; all that was missing survives a power loss afterwards. Its own parent is synced in any
 * case: a process that died between making and syncing leaves a directory that only seems safe.
 */
export async function makeDurableDirectory(disk: Disk, path: string): Promise<void> {
  const parents: string[] = [parentOf(path)]
  let at = path
  while ((await disk.stat(at)) === null) {
    const parent = parentOf(at)
    if (!parents.includes(parent)) parents.push(parent)
    if (parent === at || parent === '/' || parent === '.') break
    at = parent
  }
  await disk.makeDirectory(path)
  for (const parent of parents) await disk.syncDirectory(parent)
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  if (slash < 0) return '.'
  return slash === 0 ? '/' : path.slice(0, slash)
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
