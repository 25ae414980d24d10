import { expect, test } from 'vitest'
import { argument, argumentTable, command, flagArgument, ONE_OF } from './argument-table.ts'
import { parseArguments } from './parse-arguments.ts'
import type { ToolExit } from '../tool/tool-exit.ts'

const TABLE = argumentTable({
  program: 'kafka-metadata-quorum',
  description:
    'Words that fill more than one line of the help, so that one sees how all lines but the last are justified.',
  arguments: [
    argument('--bootstrap-server', 'Brokers.', { group: 'bootstrap' }),
    argument('--bootstrap-controller', 'Controllers.', { group: 'bootstrap' }),
    argument('--command-config', 'A file.'),
  ],
  groups: { bootstrap: ONE_OF },
  commands: [
    command(
      'describe',
      'Describe it.',
      [
        flagArgument('--status', 'In short.', { group: 'status' }),
        flagArgument('--replication', 'In full.'),
        argument('--feature -f', 'One or more.', { action: 'append' }),
        argument('--properties', 'Pairs.', { count: '+' }),
        argument('--level', 'How far.', { choices: ['low', 'high'], defaultValue: 'low' }),
      ],
      { groups: { status: { exclusive: false, required: false, title: 'Status', description: 'What it is.' } } },
    ),
    command('remove-controller', 'Remove one.', [
      argument('--controller-id -i', 'Its id.', { type: 'Integer', required: true }),
    ]),
  ],
})

function end(...argv: readonly string[]): ToolExit {
  try {
    parseArguments(TABLE, argv)
  } catch (error) {
    return error as ToolExit
  }
  throw new Error('it was parsed')
}

/** What Kafka 4.3.1 prints for the same table. */
const USAGE = `usage: kafka-metadata-quorum [-h] [--command-config COMMAND_CONFIG]
                             (--bootstrap-server BOOTSTRAP_SERVER |
                             --bootstrap-controller BOOTSTRAP_CONTROLLER)
                             {describe,remove-controller} ...
`

test('options come by prefix, by letter, repeated, and as lists', () => {
  const args = parseArguments(TABLE, [
    ...['--bootstrap-s=a', 'desc', '-fx=1', '-f', 'y', '--feat=z', '--prop', 'k=v', 'l=w', '--stat'],
  ])
  expect(args.command).toBe('describe')
  expect(args.value('bootstrap-server')).toBe('a')
  expect(args.values('feature')).toEqual(['x=1', 'y', 'z'])
  expect(args.values('properties')).toEqual(['k=v', 'l=w'])
  expect([args.has('status'), args.has('replication'), args.has('level')]).toEqual([true, false, false])
  expect(args.value('level')).toBe('low')
  expect(parseArguments(TABLE, ['--bootstrap-s', 'a', 'rem', '-i', '-1']).number('controller-id')).toBe(-1)
})

test.each([
  [[], 'kafka-metadata-quorum: error: too few arguments'],
  [['--bogus'], "kafka-metadata-quorum: error: unrecognized arguments: '--bogus'"],
  [['-x'], "kafka-metadata-quorum: error: unrecognized arguments: '-x'"],
  [
    ['describe'],
    'kafka-metadata-quorum: error: one  of  the  arguments --bootstrap-server --\nbootstrap-controller is required',
  ],
  [['--bootstrap-server'], 'kafka-metadata-quorum: error:  argument  --bootstrap-server:  expected  one\nargument'],
  [
    ['--bootstrap-server', 'a', '--bootstrap-controller', 'b', 'describe'],
    'kafka-metadata-quorum: error: argument  --bootstrap-controller: not allowed\nwith argument --bootstrap-server',
  ],
  [
    ['--boot', 'a'],
    'kafka-metadata-quorum: error:  ambiguous  option:  --boot  could  match  --\nbootstrap-controller, --bootstrap-server',
  ],
  [
    ['decsribe'],
    "kafka-metadata-quorum: error: invalid choice: 'decsribe' (choose from\n'describe', 'remove-controller')\n\nDid you mean:\n\tdescribe",
  ],
])('%j is refused in argparse4j’s words', (argv, sentence) => {
  const { exitCode, stream, message } = end(...argv)
  const unjustified = (text: string) => (argv[0] === 'decsribe' ? text.replace(/ +/g, ' ') : text)
  expect({ exitCode, stream }).toEqual({ exitCode: 1, stream: 'error' })
  expect(unjustified(message)).toBe(unjustified(USAGE + sentence))
})

test('a command refuses with its own usage, which repeats what the tool requires', () => {
  expect(end('--bootstrap-server', 'a', 'remove-controller', '-i').message).toBe(
    `usage: kafka-metadata-quorum (--bootstrap-server BOOTSTRAP_SERVER |
                             --bootstrap-controller BOOTSTRAP_CONTROLLER)
                             remove-controller [-h]
                             --controller-id CONTROLLER_ID
kafka-metadata-quorum: error:  argument  --controller-id/-i:  expected  one
argument`,
  )
  const sentence = (...argv: readonly string[]) =>
    end('--bootstrap-server', 'a', ...argv)
      .message.replace(/[^]*error: */, '')
      .replace(/\s+/g, ' ')
  expect(sentence('remove-controller')).toBe('argument --controller-id/-i is required')
  expect(sentence('remove-controller', '-i', 'x')).toBe(
    `argument --controller-id/-i: could not convert 'x' to Integer (For input string: "x")`,
  )
  expect(sentence('describe', '--level', 'x')).toBe("argument --level: invalid choice: 'x' (choose from {low,high})")
  expect(sentence('describe', '--status=1')).toBe("argument --status: ignore implicit argument '1'")
  // 75 signs and the line's end: one more than a line holds.
  expect(sentence('describe', '--properties', '--status')).toBe('argument --properties: expected 1 argument (s)')
  expect(sentence('describe', 'rest', 'more')).toBe("unrecognized arguments: 'rest more'")
  expect(sentence('describe', '--statis')).toBe("unrecognized arguments: '--statis' Did you mean: --status")
})

test('help goes to stdout, with defaults where the tool shows them', () => {
  expect(end('-h')).toMatchObject({ exitCode: 0, stream: 'out' })
  expect(end('-h').message).toMatchInlineSnapshot(`
    "usage: kafka-metadata-quorum [-h] [--command-config COMMAND_CONFIG]
                                 (--bootstrap-server BOOTSTRAP_SERVER |
                                 --bootstrap-controller BOOTSTRAP_CONTROLLER)
                                 {describe,remove-controller} ...

    Words that fill more than one line  of  the  help, so that one sees how all
    lines but the last are justified.

    positional arguments:
      {describe,remove-controller}
        describe             Describe it.
        remove-controller    Remove one.

    optional arguments:
      -h, --help             show this help message and exit
      --bootstrap-server BOOTSTRAP_SERVER
                             Brokers.
      --bootstrap-controller BOOTSTRAP_CONTROLLER
                             Controllers.
      --command-config COMMAND_CONFIG
                             A file."
  `)
  expect(end('--bootstrap-server', 'a', 'describe', '--help').message).toMatchInlineSnapshot(`
    "usage: kafka-metadata-quorum (--bootstrap-server BOOTSTRAP_SERVER |
                                 --bootstrap-controller BOOTSTRAP_CONTROLLER)
                                 describe [-h] [--status] [--replication]
                                 [--feature FEATURE]
                                 [--properties PROPERTIES [PROPERTIES ...]]
                                 [--level {low,high}]

    optional arguments:
      -h, --help             show this help message and exit
      --replication          In full.
      --feature FEATURE, -f FEATURE
                             One or more.
      --properties PROPERTIES [PROPERTIES ...]
                             Pairs.
      --level {low,high}     How far.

    Status:
      What it is.

      --status               In short."
  `)
})
