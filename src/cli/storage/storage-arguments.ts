/** The command line of kafka-storage.sh. */
import { argument, argumentTable, AT_MOST_ONE_OF, command, flagArgument } from '../options/argument-table.ts'

const CONFIG = argument('--config -c', 'Properties file of the node.', { required: true })
const VOTERS = { group: 'voters' } as const

export const STORAGE_ARGUMENTS = argumentTable({
  program: 'kafka-storage',
  description: 'Prepares log directories, and says what is in them.',
  arguments: [],
  commands: [
    command('info', 'Show the log directories of a node and what they belong to.', [CONFIG]),
    command(
      'format',
      'Make the log directories of a node ready for its first start.',
      [
        CONFIG,
        argument('--cluster-id -t', 'The cluster that the node belongs to.', { required: true }),
        argument('--add-scram -S', 'A SCRAM credential to begin with: SCRAM-SHA-256=[name=alice,password=secret].', {
          action: 'append',
        }),
        flagArgument('--ignore-formatted -g', 'Skip directories that are formatted already.'),
        argument('--release-version -r', 'Feature levels of this release, from 3.3-IV3 to 4.3-IV0.'),
        argument('--feature -f', 'feature=level, over those of the release. Repeatable.', { action: 'append' }),
        flagArgument('--standalone -s', 'This controller is the only first voter.', VOTERS),
        flagArgument('--no-initial-controllers -N', 'The first voters are formatted elsewhere.', VOTERS),
        argument('--initial-controllers -I', 'The first voters: id@host:port:directory,…', VOTERS),
      ],
      { groups: { voters: AT_MOST_ONE_OF } },
    ),
    command('version-mapping', 'Show the feature levels of a release.', [
      argument('--release-version -r', 'From 3.3-IV3 to 4.3-IV0, the default.'),
    ]),
    command('feature-dependencies', 'Show which other feature levels a feature level needs.', [
      argument('--feature -f', 'feature=level. Repeatable.', { required: true, action: 'append' }),
    ]),
    command('random-uuid', 'Print an id that no other cluster has.'),
  ],
})
