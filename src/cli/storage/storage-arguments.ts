/** The command line of kafka-storage.sh. */
import type { Argument, ArgumentParser } from '../terminal/subcommands.ts'

const CONFIG: Argument = {
  name: 'config',
  short: 'c',
  kind: 'value',
  required: true,
  group: null,
  help: 'Properties file of the node.',
}

function option(name: string, short: string, kind: Argument['kind'], help: string): Argument {
  return { name, short, kind, required: false, group: null, help }
}

const INDENT = ' '.repeat(21)

export const STORAGE_ARGUMENTS: ArgumentParser = {
  program: 'kafka-storage',
  description: 'Prepares log directories, and says what is in them.',
  usage: `kafka-storage [-h]\n${INDENT}{info,format,version-mapping,feature-dependencies,random-uuid}\n${INDENT}...`,
  commands: [
    {
      name: 'info',
      help: 'Show the log directories of a node and what they belong to.',
      usage: 'kafka-storage info [-h] --config CONFIG',
      options: [CONFIG],
    },
    {
      name: 'format',
      help: 'Make the log directories of a node ready for its first start.',
      usage: [
        'kafka-storage format [-h] --config CONFIG --cluster-id CLUSTER_ID',
        '[--add-scram ADD_SCRAM] [--ignore-formatted]',
        '[--release-version RELEASE_VERSION]',
        '[--feature FEATURE] [--standalone |',
        '--no-initial-controllers |',
        '--initial-controllers INITIAL_CONTROLLERS]',
      ].join(`\n${INDENT}`),
      options: [
        CONFIG,
        { ...option('cluster-id', 't', 'value', 'The cluster that the node belongs to.'), required: true },
        option('add-scram', 'S', 'values', 'A SCRAM credential to begin with. Not supported yet.'),
        option('ignore-formatted', 'g', 'flag', 'Skip directories that are formatted already.'),
        option('release-version', 'r', 'value', 'Feature levels of this release, from 3.3-IV3 to 4.3-IV0.'),
        option('feature', 'f', 'values', 'feature=level, over those of the release. Repeatable.'),
        ...[
          option('standalone', 's', 'flag', 'This controller is the only first voter.'),
          option('no-initial-controllers', 'N', 'flag', 'The first voters are formatted elsewhere.'),
          option('initial-controllers', 'I', 'value', 'The first voters: id@host:port:directory,…'),
        ].map((argument) => ({ ...argument, group: 'voters' })),
      ],
    },
    {
      name: 'version-mapping',
      help: 'Show the feature levels of a release.',
      usage: `kafka-storage version-mapping [-h]\n${INDENT}[--release-version RELEASE_VERSION]`,
      options: [option('release-version', 'r', 'value', 'From 3.3-IV3 to 4.3-IV0, the default.')],
    },
    {
      name: 'feature-dependencies',
      help: 'Show which other feature levels a feature level needs.',
      usage: 'kafka-storage feature-dependencies [-h] --feature FEATURE',
      options: [{ ...option('feature', 'f', 'values', 'feature=level. Repeatable.'), required: true }],
    },
    {
      name: 'random-uuid',
      help: 'Print an id that no other cluster has.',
      usage: 'kafka-storage random-uuid [-h]',
      options: [],
    },
  ],
}
