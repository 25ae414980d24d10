/** The files of all partition directories below a log directory that equal input must leave equal. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Topic ids are drawn by the controller: partition.metadata differs. */
const COMPARED = /(\.log|\.index|\.timeindex|\.txnindex|\.snapshot|^leader-epoch-checkpoint)$/

export function partitionFiles(logDir: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const directory of readdirSync(logDir, { withFileTypes: true })) {
    if (!directory.isDirectory() || directory.name.startsWith('__')) continue
    for (const name of readdirSync(join(logDir, directory.name))) {
      if (COMPARED.test(name)) files.set(`${directory.name}/${name}`, readFileSync(join(logDir, directory.name, name)))
    }
  }
  return files
}

/** Lines that say which files differ, and where first; empty if none. */
export function compareFiles(expected: ReadonlyMap<string, Buffer>, actual: ReadonlyMap<string, Buffer>): string[] {
  const lines: string[] = []
  for (const name of [...new Set([...expected.keys(), ...actual.keys()])].sort()) {
    const [theirs, ours] = [expected.get(name), actual.get(name)]
    if (theirs === undefined) lines.push(`${name}: only here, ${ours?.length} bytes`)
    else if (ours === undefined) lines.push(`${name}: only at Kafka, ${theirs.length} bytes`)
    else if (!theirs.equals(ours)) {
      const at = theirs.findIndex((byte, index) => byte !== ours[index])
      lines.push(`${name}: Kafka ${theirs.length} bytes, ours ${ours.length}, first difference at ${at}`)
    }
  }
  return lines
}
