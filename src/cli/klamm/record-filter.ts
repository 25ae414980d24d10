/** `--grep`: which records are shown. Searches only; nothing of the pattern is ever run. */
import { matcherOf } from './match.ts'
import type { FormattedRecord } from './record-format.ts'

/** `PATTERN` in key or value, `key:PATTERN`, `value:PATTERN`, or `header:NAME[=PATTERN]`. @throws ToolExit */
export function recordFilter(text: string): (record: FormattedRecord) => boolean {
  const [, where = '', rest = ''] = /^(key|value|header):(.*)$/s.exec(text) ?? []
  if (where === 'header') {
    const [, name = '', pattern = ''] = /^([^=]*)=?(.*)$/s.exec(rest) ?? []
    const matches = matcherOf(pattern)
    return ({ headers }) => headers.some(({ key, value }) => key === name && matches(value?.toString() ?? ''))
  }
  const matches = matcherOf(where === '' ? text : rest)
  return ({ keyBytes, valueBytes }) =>
    (where !== 'value' && keyBytes !== null && matches(keyBytes.toString())) ||
    (where !== 'key' && valueBytes !== null && matches(valueBytes.toString()))
}
