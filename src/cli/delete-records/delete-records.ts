/** kafka-delete-records.sh: records of partitions deleted up to an offset. */
import { withAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { checkRequired, toolOptions } from '../options/option-checks.ts'
import { BOOTSTRAP_SERVER, COMMAND_CONFIG, COMMON_OPTIONS, value, type OptionTable } from '../options/option-table.ts'
import { javaError } from '../text/java-exceptions.ts'
import { duplicates, integerField, objectsOf, jsonObject, readText, textField } from '../text/json-file.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Tool } from '../tool/tool.ts'
import type { RecordsToDelete } from '../../client/admin/offsets.ts'

export const DELETE_RECORDS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': { ...BOOTSTRAP_SERVER, shows: 'server(s) to use for bootstrapping' },
  'offset-json-file': value(
    'Offset json file path',
    'REQUIRED: a file with the first offset that stays, by partition:\n' +
      '{"partitions":\n  [{"topic": "foo", "partition": 1, "offset": 1}],\n "version":1\n}',
  ),
  'command-config': { ...COMMAND_CONFIG, shows: 'command config property file path' },
} satisfies OptionTable

const ABOUT = 'This tool helps to delete records of the given partitions down to the specified offset.'

export const deleteRecords: Tool = async (argv, host) => {
  const options = toolOptions(DELETE_RECORDS_OPTIONS, argv, ABOUT)
  checkRequired(options, 'bootstrap-server', 'offset-json-file')
  const { disk } = host.world
  const properties = await commandConfig(disk, options.value('command-config'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  await withAdmin(host, properties, async (admin) => {
    const wanted = parseOffsets(await readText(disk, options.value('offset-json-file') ?? ''))
    const { terminal } = host
    terminal.out('Executing records delete operation')
    const deleted = await admin.deleteRecords(wanted)
    terminal.out('Records delete operation completed:')
    for (const [{ topic, partition }, outcome] of deleted) {
      const result =
        outcome instanceof Error ? `error: ${javaError(outcome)}` : `low_watermark: ${outcome.lowWatermark}`
      terminal.out(`partition: ${topic}-${partition}\t${result}`)
    }
  })
  return 0
}

function parseOffsets(text: string): readonly RecordsToDelete[] {
  const json = jsonObject(text)
  if (json === null) throw failure('The input string is not a valid JSON')
  if (json['version'] !== undefined && json['version'] !== 1) {
    throw failure(`Not supported version field value ${JSON.stringify(json['version'])}`)
  }
  const partitions = objectsOf(json, 'partitions')
  if (partitions === null) throw failure('Missing partitions field')
  const wanted = partitions.map((one) => ({
    topic: textField(one, 'topic'),
    partition: integerField(one, 'partition'),
    beforeOffset: integerField(one, 'offset', 'Long'),
  }))
  const twice = duplicates(wanted.map(({ topic, partition }) => `${topic}-${partition}`))
  if (twice.length > 0) throw failure(`Offset json file contains duplicate topic partitions: ${twice.join(',')}`)
  return wanted
}
