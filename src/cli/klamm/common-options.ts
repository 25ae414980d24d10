/** Options that many commands of `klamm` share. */
import { on, takes, type CommandOptions } from './command.ts'

export const HELP = { help: on('Print this.', 'h') } satisfies CommandOptions

/** Of commands that speak to a cluster. */
export const CONNECTION = {
  ...HELP,
  brokers: takes('HOST:PORT,…', 'Brokers to begin with (KLAMM_BROKERS; localhost:9092).', 'b'),
  profile: takes('NAME', 'The profile to use (KLAMM_PROFILE; that of `klamm profile use`).', null, {
    completes: 'profiles',
  }),
  property: takes('KEY=VALUE', "Any property of Kafka's Java clients. Repeatable.", 'X'),
  'command-config': takes('FILE', 'A properties file of such; -X goes before it.', null, { completes: 'files' }),
} satisfies CommandOptions

const FORMAT = takes('FORMAT', 'table, json or yaml.', 'o', {
  defaultValue: 'table',
  completes: ['table', 'json', 'yaml'],
})

/** Of commands that show something. */
export const SHOWING = {
  output: FORMAT,
  'no-headers': on('Leave out the titles of columns.'),
} satisfies CommandOptions

/** Of commands whose answer changes as time goes by. */
export const WATCHING = {
  watch: on('Show it again every two seconds, until Ctrl-C.', 'w'),
} satisfies CommandOptions

/** Of commands that change something. */
export const CHANGING = {
  output: FORMAT,
  quiet: on('Say nothing if all goes well.', 'q'),
} satisfies CommandOptions
