/** The command line of kafka-features.sh. */
import { argument, argumentTable, AT_MOST_ONE_OF, command, flagArgument } from '../options/argument-table.ts'

const FEATURE = argument('--feature', 'feature=level. Repeatable.', { action: 'append' })
const RELEASE = argument('--release-version', 'The levels of this release.')
const METADATA = argument('--metadata', 'The old name of --feature metadata.version, as a release.')
const DRY_RUN = flagArgument('--dry-run', 'Check it, and change nothing.')
const UNSAFE = flagArgument('--unsafe', 'Even if metadata may be lost.')

export const FEATURES_ARGUMENTS = argumentTable({
  program: 'kafka-features',
  description: 'Shows and sets the levels of features.',
  arguments: [
    argument('--bootstrap-server', 'host:port of one or more brokers, with commas.', { group: 'bootstrap' }),
    argument('--bootstrap-controller', 'host:port of one or more controllers, with commas.', { group: 'bootstrap' }),
    argument('--command-config', 'Properties file for the client that the tool makes.'),
  ],
  groups: { bootstrap: AT_MOST_ONE_OF },
  commands: [
    command('describe', 'Show the levels that hold, and those that are supported.', [
      argument('--node-id', 'What this node supports; any node if left out.', { type: 'Integer' }),
    ]),
    command('upgrade', 'Raise levels.', [METADATA, RELEASE, FEATURE, DRY_RUN]),
    command('downgrade', 'Lower levels.', [METADATA, RELEASE, FEATURE, UNSAFE, DRY_RUN]),
    command('disable', 'Set levels to 0.', [
      argument('--feature', 'A feature. Repeatable.', { action: 'append' }),
      UNSAFE,
      DRY_RUN,
    ]),
    command('version-mapping', 'Show the levels of a release.', [RELEASE]),
    command('feature-dependencies', 'Show which other levels a level needs.', [{ ...FEATURE, required: true }]),
  ],
})
