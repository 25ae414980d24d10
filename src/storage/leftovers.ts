/**
 * Files that a crash left half done in a partition directory. The passes and their order are Kafka's:
 * remove `.deleted`; drop swaps of an unfinished split, and everything `.cleaned`; let complete swaps win over what they
 * replace; remove index files without a log.
 */
import type { Logger } from '../base/logger.ts'
import { entryLastOffset } from '../records/batches.ts'
import type { DirectoryEntry, Disk } from '../world/world.ts'
import { scanFile } from './file-scan.ts'
import { CLEANED, DELETED, SWAP, parseFileName, type LogPlace } from './segment-files.ts'

/** The file names that remain. */
export async function repairFiles(
  disk: Disk,
  place: LogPlace,
  logger: Logger,
  listed: readonly DirectoryEntry[],
): Promise<string[]> {
  const names = new Set(listed.filter((entry) => !entry.isDirectory).map((entry) => entry.name))
  const remove = async (name: string, why: string): Promise<void> => {
    logger.info(`${place.directory}/${name}: removed, ${why}`)
    await disk.remove(`${place.directory}/${name}`)
    names.delete(name)
  }
  let cleanedMin = Infinity
  for (const name of [...names]) {
    // Deleted snapshots of the metadata log belong to their own clean-up.
    if (name.endsWith(DELETED) && !name.endsWith('.checkpoint.deleted')) await remove(name, 'it was being deleted')
    else if (name.endsWith(CLEANED)) cleanedMin = Math.min(cleanedMin, numberOf(name, CLEANED))
  }
  for (const name of [...names]) {
    if (name.endsWith(SWAP) && numberOf(name, SWAP) >= cleanedMin) await remove(name, 'its split was not complete')
    else if (name.endsWith(CLEANED)) await remove(name, 'its cleaning was not complete')
  }
  await completeSwaps(disk, place, names, remove)
  for (const name of [...names]) {
    const parsed = parseFileName(name)
    if (parsed === null || parsed.suffix === '.log' || parsed.suffix === '.snapshot') continue
    if (!names.has(name.slice(0, 20) + '.log')) await remove(name, 'it has no log file')
  }
  return [...names]
}

function numberOf(name: string, suffix: string): number {
  return parseFileName(name.slice(0, -suffix.length))?.offset ?? Infinity
}

async function completeSwaps(
  disk: Disk,
  place: LogPlace,
  names: Set<string>,
  remove: (name: string, why: string) => Promise<void>,
): Promise<void> {
  const swaps = [...names].filter((name) => name.endsWith(SWAP))
  if (swaps.length === 0) return
  let first = Infinity
  let end = -1
  for (const name of swaps) {
    const parsed = parseFileName(name.slice(0, -SWAP.length))
    if (parsed?.suffix !== '.log') continue
    first = Math.min(first, parsed.offset)
    end = Math.max(end, await endOfFile(disk, `${place.directory}/${name}`, parsed.offset))
  }
  for (const name of [...names]) {
    const parsed = parseFileName(name)
    if (parsed !== null && parsed.offset >= first && parsed.offset < end) await remove(name, 'a swap file replaces it')
  }
  for (const name of swaps) {
    const plain = name.slice(0, -SWAP.length)
    await disk.rename(`${place.directory}/${name}`, `${place.directory}/${plain}`)
    names.delete(name)
    names.add(plain)
  }
  await disk.syncDirectory(place.directory)
}

async function endOfFile(disk: Disk, path: string, baseOffset: number): Promise<number> {
  const file = await disk.open(path, 'read')
  try {
    let end = baseOffset
    await scanFile(file, 0, await file.size(), false, (bytes, at) => {
      end = entryLastOffset(bytes, at) + 1
      return true
    })
    return end
  } finally {
    await file.close()
  }
}
