/** docs/CONFIGURATION.md, written from the tables, so that what is documented is what is parsed. */
import type { ConfigKey, ConfigTable } from './config-key.ts'
import { configText } from './config-value.ts'
import { supportLevel, TOPIC_KEYS_NOT_YET } from './support.ts'
import { BROKER_TABLE, CLIENT_METRICS_TABLE, DYNAMIC_QUOTA_TABLE, GROUP_TABLE, TOPIC_TABLE } from './tables.ts'
import { TOPIC_SYNONYMS } from './topic-config.ts'

const INTRODUCTION = `# Configuration

Written by \`node scripts/run.mjs scripts/configuration.ts\` from the tables in src/config; do not edit.

Every key of Apache Kafka 4.3.1 is known and its value is checked at start. What a key does in this release:

- **honoured**: it does what it does in Kafka.
- **without effect**: there is nothing to set, because Klamm is built otherwise (one event loop has no thread counts).
- **not supported yet**: the function is missing. Set to anything but its default it is named once at start.
- **refused**: ignoring it would weaken security or lose data, so the node does not start with it. At its default it is harmless.

A key that is not listed is named at start and ignored. \`change\` says when a new value may take effect: at a restart, while
running for one broker (\`broker\`), or while running for one broker or all (\`cluster\`).`

export function configurationPage(): string {
  const brokerKeys = [...BROKER_TABLE.values()]
  const counts = (['honoured', 'without effect', 'not supported yet', 'refused'] as const).map(
    (level) => `${brokerKeys.filter((key) => supportLevel(key.name) === level).length} ${level}`,
  )
  const sections = [
    INTRODUCTION,
    `## Nodes\n\nIn server.properties. ${brokerKeys.length} keys: ${counts.join(', ')}.`,
    table(BROKER_TABLE, ['change', 'this release'], (key) => [CHANGE[key.update], supportLevel(key.name)]),
    '## Nodes, dynamic only\n\nThrottles: set while running, for one broker or for all.',
    table(DYNAMIC_QUOTA_TABLE, ['this release'], () => ['honoured']),
    '## Topics\n\nDefaults are those of a node that sets nothing; `default from` names the keys that change them, the first that is set wins.',
    table(TOPIC_TABLE, ['default from', 'this release'], topicCells),
    '## Groups\n\nKept and described; the groups that read them are not served yet.',
    table(GROUP_TABLE, [], () => []),
    '## Client metrics subscriptions\n\nKept and described; telemetry is not served yet.',
    table(CLIENT_METRICS_TABLE, [], () => []),
  ]
  return `${sections.join('\n\n')}\n`
}

const CHANGE = { 'read-only': 'restart', 'per-broker': 'broker', 'cluster-wide': 'cluster' }

function topicCells(key: ConfigKey): readonly string[] {
  const from = (TOPIC_SYNONYMS.get(key.name) ?? []).map((synonym) => synonym.key)
  return [from.join(', '), TOPIC_KEYS_NOT_YET.has(key.name) ? 'not supported yet' : 'honoured']
}

function table(keys: ConfigTable, columns: readonly string[], cells: (key: ConfigKey) => readonly string[]): string {
  const head = ['key', 'type', 'default', 'valid', ...columns]
  const rows = [...keys.values()]
    .filter((key) => !key.internal)
    .map((key) => [`\`${key.name}\``, key.type.toLowerCase(), defaultText(key), key.validator, ...cells(key)])
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')
}

function defaultText(key: ConfigKey): string {
  if (key.required) return '(required)'
  return key.default === null ? '' : configText(key.default)
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
