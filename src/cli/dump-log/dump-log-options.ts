/** The command line of kafka-dump-log.sh. */
import { toolOptions, checkRequired } from '../options/option-checks.ts'
import { COMMON_OPTIONS, flag, optionalValue, value, type OptionTable } from '../options/option-table.ts'
import { failure } from '../tool/tool-exit.ts'
import type { RecordDecoder } from './record-decoders.ts'

const STRING_DECODER = 'org.apache.kafka.tools.api.StringDecoder'
const DECODER = { defaultValue: STRING_DECODER }

export const DUMP_LOG_OPTIONS = {
  ...COMMON_OPTIONS,
  files: value('file1, file2, ...', 'REQUIRED: data and index files, with commas.'),
  'print-data-log': flag('Print keys and values of records. Every decoder does so too.'),
  'verify-index-only': flag('Check an index against its log without printing it.'),
  'index-sanity-check': flag('Only make the check of an index that a broker makes at its start.'),
  'max-message-size': value('size', 'Largest batch that an index may point to.', {
    type: 'Integer',
    defaultValue: '5242880',
  }),
  'max-bytes': value('size', 'Read at most this many bytes of each .log file.', {
    type: 'Integer',
    defaultValue: '2147483647',
  }),
  'deep-iteration': flag('Show the records of each batch too.'),
  'value-decoder-class': optionalValue(null, 'How values are read: String, Integer, Long or DefaultDecoder.', DECODER),
  'key-decoder-class': optionalValue(null, 'How keys are read: String, Integer, Long or DefaultDecoder.', DECODER),
  'offsets-decoder': flag('Records are those of __consumer_offsets.'),
  'transaction-log-decoder': flag('Records are those of __transaction_state.'),
  'cluster-metadata-decoder': flag('Records are those of __cluster_metadata.'),
  'remote-log-metadata-decoder': flag('Records are those of __remote_log_metadata.'),
  'share-group-state-decoder': flag('Records are those of __share_group_state.'),
  'skip-record-metadata': flag('Print keys and values of records without the rest; leaves control records empty.'),
} satisfies OptionTable

export interface DumpLogOptions {
  readonly files: readonly string[]
  readonly maxBytes: number
  readonly maxMessageSize: number
  readonly verifyOnly: boolean
  readonly sanityOnly: boolean
  readonly deep: boolean
  readonly skipRecordMetadata: boolean
  /** Null: contents of records are not printed. */
  readonly decoder: RecordDecoder | null
}

const ABOUT =
  'This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.'

/** @throws ToolExit, OptionError */
export async function dumpLogOptions(argv: readonly string[], print: (line: string) => void): Promise<DumpLogOptions> {
  const options = toolOptions(DUMP_LOG_OPTIONS, argv, ABOUT)
  checkRequired(options, 'files')
  const special = (
    [
      'offsets-decoder',
      'transaction-log-decoder',
      'cluster-metadata-decoder',
      'remote-log-metadata-decoder',
      'share-group-state-decoder',
    ] as const
  ).find((name) => options.has(name))
  const printsContents =
    special !== undefined ||
    options.has('print-data-log') ||
    options.has('value-decoder-class') ||
    options.has('key-decoder-class')
  const decoderOf = async (): Promise<RecordDecoder> => {
    const decoders = await import('./record-decoders.ts')
    if (special !== undefined) return decoders.RECORD_DECODERS[special]
    const value = decoders.bytesDecoder(options.value('value-decoder-class') ?? STRING_DECODER, print)
    const key = decoders.bytesDecoder(options.value('key-decoder-class') ?? STRING_DECODER, print)
    if (value === null || key === null) throw failure('Only the decoders of Kafka can be used here.')
    return decoders.plainDecoder(key, value)
  }
  return {
    files: (options.value('files') ?? '').replace(/,+$/, '').split(','),
    maxBytes: options.integer('max-bytes') ?? 0,
    maxMessageSize: options.integer('max-message-size') ?? 0,
    verifyOnly: options.has('verify-index-only'),
    sanityOnly: options.has('index-sanity-check'),
    deep: printsContents || options.has('deep-iteration'),
    skipRecordMetadata: options.has('skip-record-metadata'),
    decoder: printsContents ? await decoderOf() : null,
  }
}
