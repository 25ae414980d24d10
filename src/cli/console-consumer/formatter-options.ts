/** The options that say how a console shows records; those of consumers and of share consumers are the same. */
import { keyValues, readProperties } from '../clients/client-properties.ts'
import { usageFailure } from '../options/option-checks.ts'
import { currentName } from '../options/old-names.ts'
import { value, type OptionTable } from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'
import type { ToolHost } from '../tool/tool.ts'
import { formatterNamed, type RecordFormatter } from './record-formatters.ts'

const FORMATTER_PROPERTIES =
  'name=value for the formatter. Repeatable. print.key, print.value, print.timestamp, print.partition, print.offset, print.headers, print.delivery (true|false); key.separator, line.separator, headers.separator, null.literal; key.deserializer, value.deserializer, headers.deserializer.'

export const FORMATTER_OPTIONS = {
  formatter: value('class', 'How records are shown.', {
    defaultValue: 'org.apache.kafka.tools.consumer.DefaultMessageFormatter',
  }),
  property: value('prop', 'Old name of --formatter-property.'),
  'formatter-property': value('prop', FORMATTER_PROPERTIES),
  'formatter-config': value('config file', 'Properties file for the formatter; --formatter-property goes before it.'),
  'key-deserializer': value('deserializer for keys', 'How keys become text.'),
  'value-deserializer': value('deserializer for values', 'How values become text.'),
} satisfies OptionTable

/** Rejects with ToolExit, OperationalError CONFIG_INVALID. */
export async function recordFormatter(
  options: Options<keyof typeof FORMATTER_OPTIONS>,
  host: ToolHost,
): Promise<RecordFormatter> {
  const name = options.value('formatter') ?? ''
  const make = formatterNamed(name)
  // Java's reason for a class that isn't there is its name.
  if (make === null) throw usageFailure(options.table, name)
  const own = currentName(options, host, 'property', 'formatter-property')
  const path = options.value('formatter-config')
  const properties = path === null ? new Map<string, string>() : await readProperties(host.world.disk, path)
  for (const kind of ['key', 'value'] as const) {
    const deserializer = options.value(`${kind}-deserializer`)
    if (deserializer !== null && deserializer !== '') properties.set(`${kind}.deserializer`, deserializer)
  }
  for (const [key, text] of keyValues(options.values(own))) properties.set(key, text)
  return make(properties)
}
