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

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  if (slash < 0) return '.'
  return slash === 0 ? '/' : path.slice(0, slash)
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
