/** kafka-dump-log.sh: what is in the files of a log directory, on Kafka's and on our own alike. */
import { basename, extname } from 'node:path'
import type { Int64 } from '../../base/int64.ts'
import type { Terminal, Tool } from '../tool/tool.ts'
import { dumpBatches, type Gaps } from './dump-batches.ts'
import {
  dumpOffsetIndex,
  dumpProducerSnapshot,
  dumpTimeIndex,
  dumpTransactionIndex,
  type Mismatches,
  type TimeIndexFaults,
} from './dump-indexes.ts'
import { dumpLogOptions } from './dump-log-options.ts'

export const dumpLog: Tool = async (argv, { world: { disk }, terminal }) => {
  const options = await dumpLogOptions(argv, (line) => terminal.out(line))
  const gaps: Gaps = new Map()
  const mismatches: Mismatches = new Map()
  const times: TimeIndexFaults = { mismatches: new Map(), outOfOrder: new Map(), notFound: new Map() }
  for (const path of options.files) {
    terminal.out(`Dumping ${path}`)
    const place = { path, options, disk, terminal }
    const name = basename(path)
    switch (extname(name)) {
      case '.log':
      case '.checkpoint':
        await dumpBatches(path, options, disk, terminal, gaps)
        break
      case '.index':
        await dumpOffsetIndex(place, mismatches)
        break
      case '.timeindex':
        await dumpTimeIndex(place, times)
        break
      case '.snapshot':
        await dumpProducerSnapshot(place)
        break
      case '.txnindex':
        await dumpTransactionIndex(place)
        break
      default:
        terminal.error(`Ignoring unknown file ${path}`)
    }
    await terminal.flush()
    if (terminal.isClosed) return 0
  }
  report(terminal, mismatches, 'Mismatches in :', (said, found) => `  Index offset: ${said}, log offset: ${found}`)
  reportTimes(terminal, times)
  for (const [path, pairs] of gaps) {
    terminal.error(`Non-consecutive offsets in ${path}`)
    for (const [first, second] of pairs) terminal.error(`  ${first} is followed by ${second}`)
  }
  return 0
}

function reportTimes(terminal: Terminal, { mismatches, outOfOrder, notFound }: TimeIndexFaults): void {
  report(terminal, mismatches, 'Found timestamp mismatch in :', (said, found) => {
    return `  Index timestamp: ${said}, log timestamp: ${found}`
  })
  report(terminal, outOfOrder, 'Found out of order timestamp in :', (said, before) => {
    return `  Index timestamp: ${said}, Previously indexed timestamp: ${before}`
  })
  report(terminal, notFound, 'The following indexed offsets are not found in :', (said, found) => {
    return `Indexed offset: ${said}, found log offset: ${found}`
  })
}

function report(
  terminal: Terminal,
  faults: Mismatches,
  title: string,
  line: (said: Int64, found: Int64) => string,
): void {
  for (const [path, pairs] of faults) {
    terminal.error(`${title}${path}`)
    for (const [said, found] of pairs) terminal.error(line(said, found))
  }
}
