/**
 * `klamm produce`: lines of stdin, or files, become records. How many were written goes to stderr, where they lie with
 * --output json or yaml to stdout. One that could not be written ends the command with code 1 when the others are through.
 */
import type { Producer } from '../../client/producer/producer.ts'
import type { Bytes, Delivery, ProducerRecord } from '../../client/producer/producer-record.ts'
import { makeProducer } from '../clients/record-clients.ts'
import { untilAborted } from '../console-producer/console-producer.ts'
import { linesOf } from '../console-producer/line-reader.ts'
import { failure } from '../tool/tool-exit.ts'
import { sentenceOf, type ToolHost } from '../tool/tool.ts'
import type { Run } from './command.ts'
import { notFound, usageError } from './exits.ts'
import { lineFormat } from './line-format.ts'
import { Progress } from './progress.ts'
import { describedTopics } from './topic-names.ts'
import type { Words } from './words.ts'

type Written = {
  readonly topic: string
  readonly partition: number
  readonly baseOffset: number
  readonly records: number
}

export const produce: Run = async (invocation) => {
  const { words, host, output } = invocation
  const [topic = ''] = words.positionals
  const common = commonOf(topic, words)
  const read = lineFormat(words.value('format') ?? '%v')
  const properties = await invocation.properties()
  const codec = words.value('compression')
  if (codec !== null) properties.set('compression.type', codec)
  await invocation.withAdmin(async (admin) => {
    const [described] = await describedTopics(admin, [topic])
    const { partition } = common
    if (partition !== undefined && partition >= (described?.partitions.length ?? 0)) {
      throw notFound(`partition of ${topic}`, String(partition), [])
    }
  })
  const written: Written[] = []
  const errors: Error[] = []
  const onDelivery = ({ partition, baseOffset, records, error }: Delivery): void => {
    if (error !== null) errors.push(error)
    else if (output.format === 'table') {
      // Only their number is told.
      written[0] = { topic, partition, baseOffset, records: records + (written[0]?.records ?? 0) }
    } else written.push({ topic, partition, baseOffset, records })
  }
  const producer = await makeProducer(host, properties, { onDelivery })
  // Whoever types the records sees them.
  const progress = host.terminal.isInteractive ? null : new Progress(host)
  let sent = 0
  try {
    for await (const record of recordsOf(common, read, words, host)) {
      if (!producer.post(record)) await producer.drained()
      progress?.tell(++sent, null)
      if (errors.length > 0) break
    }
    await settled(producer)
  } finally {
    await producer.close()
    progress?.end()
  }
  if (output.format !== 'table') output.show(written, () => [])
  const count = written.reduce((sum, { records }) => sum + records, 0)
  if (!words.has('quiet') && output.format === 'table') {
    host.terminal.error(`${topic}: ${count === 1 ? '1 record' : `${count} records`} written.`)
  }
  if (errors[0] !== undefined) throw failure(`klamm: Not all records could be written: ${sentenceOf(errors[0])}`)
}

/** What failed was told to onDelivery. */
async function settled(producer: Producer<Bytes, Bytes>): Promise<void> {
  await producer.flush().catch(() => {})
}

function commonOf(topic: string, words: Words): ProducerRecord {
  const key = words.value('key')
  const partition = words.integer('partition')
  const headers = words.values('header').map((text) => {
    const equals = text.indexOf('=')
    if (equals <= 0) throw usageError(`--header '${text}' is not NAME=VALUE.`, 'klamm produce')
    return [text.slice(0, equals), text.slice(equals + 1)] as const
  })
  return { topic, headers, ...(key !== null && { key }), ...(partition !== null && { partition }) }
}

async function* recordsOf(
  common: ProducerRecord,
  read: ReturnType<typeof lineFormat>,
  words: Words,
  { terminal, world, interrupted }: ToolHost,
): AsyncIterable<ProducerRecord> {
  if (words.has('tombstone')) {
    if (common.key === undefined) throw usageError('A tombstone needs --key.', 'klamm produce')
    yield { ...common, value: null }
    return
  }
  if (words.has('file')) {
    for (const path of words.values('file')) {
      const value = await world.disk.readFile(path)
      if (value === null) throw failure(`klamm: ${path}: no such file`)
      yield { ...common, value }
    }
    return
  }
  let lineNumber = 0
  for await (const lines of untilAborted(linesOf(terminal.input()), interrupted)) {
    for (const line of lines) {
      lineNumber += 1
      yield { ...common, ...read(line, lineNumber) }
    }
  }
}
