/** `klamm produce`, `klamm consume` and `klamm bench`: their options. */
import { CONNECTION, SHOWING } from './common-options.ts'
import { on, one, takes, type Command } from './command.ts'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export const RECORD_COMMANDS: readonly Command[] = [
  {
    path: ['produce'],
    about: 'Write the lines of stdin, or files, as records to a topic.',
    positionals: [one('TOPIC', 'topics')],
    options: {
      ...CONNECTION,
      key: takes('KEY', 'The key of every record.', 'k'),
      header: takes('NAME=VALUE', 'A header of every record. Repeatable.', 'H'),
      partition: takes('NUMBER', 'The partition of every record.', 'p'),
      format: takes('FORMAT', "What a line holds: '%k %v', '%p;%k=%v'.", 'f', { defaultValue: '%v' }),
      file: takes('FILE', 'A file whose bytes are one record, in place of stdin. Repeatable.', null, {
        completes: 'files',
      }),
      tombstone: on('Write one record without a value: it deletes --key in a compacted topic.'),
      compression: takes('CODEC', 'none, gzip, snappy, lz4 or zstd.', 'z', { completes: CODECS }),
      output: takes('FORMAT', 'table, json or yaml.', 'o', {
        defaultValue: 'table',
        completes: ['table', 'json', 'yaml'],
      }),
      quiet: on('Do not tell how many were written.', 'q'),
    },
    load: async () => (await import('./produce.ts')).produce,
  },
  {
    path: ['consume'],
    about: 'Print records of a topic: from its start on, until Ctrl-C.',
    positionals: [one('TOPIC', 'topics')],
    options: {
      ...CONNECTION,
      offset: takes('PLACE', 'start, end, 100, 100:200, -10 (last ten), @-1h, @-1h:end, @2026-11-26.', 'o', {
        completes: ['start', 'end', '@-1h', 'start:end'],
      }),
      tail: on('Only what comes from now on; -o -10 for the last ten, too.', 't'),
      number: takes('NUMBER', 'End after so many records.', 'n'),
      exit: on('End where the topic ends now.', 'e'),
      partition: takes('NUMBER,…', 'Only these partitions.', 'p'),
      group: takes('GROUP', 'Read as a member of this group, and commit what was printed.', 'g', {
        completes: 'groups',
      }),
      format: takes('FORMAT', 'What is printed of each: %t %p %o %k %v %h %d{iso} …, see docs/KLAMM.md.', 'f', {
        defaultValue: '%v\\n',
      }),
      json: on('Print each as a line of JSON.', 'J'),
      grep: takes('WHAT', 'Only records with this in key or value; key:…, value:…, header:NAME=…, or a /regex/.'),
    },
    load: async () => (await import('./consume.ts')).consume,
  },
  {
    path: ['bench', 'produce'],
    about: 'Write records of random letters, and tell rates and latencies.',
    positionals: [one('TOPIC', 'topics')],
    options: {
      ...CONNECTION,
      number: takes('NUMBER', 'How many.', 'n', { defaultValue: '100000' }),
      size: takes('BYTES', 'Of each value.', 's', { defaultValue: '100' }),
      rate: takes('NUMBER', 'At most so many in a second.', 'r'),
      compression: takes('CODEC', 'none, gzip, snappy, lz4 or zstd.', 'z', { completes: CODECS }),
      ...SHOWING,
    },
    load: async () => (await import('./bench.ts')).benchProduce,
  },
  {
    path: ['bench', 'consume'],
    about: 'Read what a topic has now, without a group, and tell rates and waits.',
    positionals: [one('TOPIC', 'topics')],
    options: {
      ...CONNECTION,
      number: takes('NUMBER', 'End after so many records.', 'n'),
      ...SHOWING,
    },
    load: async () => (await import('./bench.ts')).benchConsume,
  },
]
