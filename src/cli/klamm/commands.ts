/** Every command of `klamm`. Nothing here loads a client. */
import { CHANGING, CONNECTION, HELP, SHOWING, WATCHING } from './common-options.ts'
import { any, maybe, on, one, some, takes, type Command } from './command.ts'
import { RECORD_COMMANDS } from './record-commands.ts'

const SHOW = { ...CONNECTION, ...SHOWING }
const SHOW_AND_WATCH = { ...SHOW, ...WATCHING }
const CHANGE = { ...CONNECTION, ...CHANGING }

const TOPIC = one('TOPIC', 'topics')
const CONFIG = takes('KEY=VALUE', 'A setting of the topic. Repeatable.', 'c')

const TOPIC_COMMANDS: readonly Command[] = [
  {
    path: ['topics', 'list'],
    about: 'List topics; all, or those whose names a /regular expression/ or word is in.',
    positionals: [maybe('PATTERN', 'topics')],
    options: { ...SHOW_AND_WATCH, internal: on("Kafka's own topics, too.", 'i') },
    load: async () => (await import('./topics.ts')).listTopics,
  },
  {
    path: ['topics', 'describe'],
    about: 'Show partitions, replicas and offsets of topics.',
    positionals: [some('TOPIC', 'topics')],
    options: SHOW_AND_WATCH,
    load: async () => (await import('./topics.ts')).describeTopics,
  },
  {
    path: ['topics', 'create'],
    about: 'Create topics.',
    positionals: [some('TOPIC')],
    options: {
      ...CHANGE,
      partitions: takes('NUMBER', "Partitions; the broker's default if left out.", 'p'),
      replicas: takes('NUMBER', "Replicas of each; the broker's default if left out.", 'r'),
      config: CONFIG,
      'if-not-exists': on('One that is there already is no error.'),
      'dry-run': on('Let the broker check, and change nothing.'),
    },
    load: async () => (await import('./topics.ts')).createTopics,
  },
  {
    path: ['topics', 'alter'],
    about: 'Add partitions, or set settings.',
    positionals: [TOPIC],
    options: {
      ...CHANGE,
      partitions: takes('NUMBER', 'How many there shall be in all.', 'p'),
      config: CONFIG,
      'dry-run': on('Let the broker check, and change nothing.'),
    },
    load: async () => (await import('./topics.ts')).alterTopic,
  },
  {
    path: ['topics', 'delete'],
    about: 'Delete topics.',
    positionals: [some('TOPIC', 'topics')],
    options: { ...CHANGE, 'if-exists': on('One that is not there is no error.') },
    load: async () => (await import('./topics.ts')).deleteTopics,
  },
]

const GROUP_COMMANDS: readonly Command[] = [
  {
    path: ['groups', 'list'],
    about: 'List groups with their types and states.',
    positionals: [],
    options: SHOW_AND_WATCH,
    load: async () => (await import('./groups.ts')).listGroups,
  },
  {
    path: ['groups', 'describe'],
    about: 'Show members, offsets and lag of groups of consumers.',
    positionals: [some('GROUP', 'groups')],
    options: { ...SHOW_AND_WATCH, members: on('The members in place of the offsets.', 'm') },
    load: async () => (await import('./groups.ts')).describeGroups,
  },
  {
    path: ['groups', 'delete'],
    about: 'Delete groups without members.',
    positionals: [some('GROUP', 'groups')],
    options: CHANGE,
    load: async () => (await import('./groups.ts')).deleteGroups,
  },
  {
    path: ['groups', 'seek'],
    about: 'Move the offsets of a group without members. Shows the plan; --execute does it.',
    positionals: [one('GROUP', 'groups')],
    options: {
      ...SHOW,
      to: takes('PLACE', 'start, end, an offset, +N or -N from where it is, @-1h, @2026-11-26T10:00.', 't', {
        completes: ['start', 'end', '@-1h'],
      }),
      file: takes('FILE', 'Lines of topic,partition,offset, in place of --to.', null, { completes: 'files' }),
      topic: takes('TOPIC[:0,1]', 'Only these partitions; all that have an offset if left out. Repeatable.', null, {
        completes: 'topics',
      }),
      execute: on('Do it.'),
    },
    load: async () => (await import('./seek-group.ts')).seekGroup,
  },
]

/** What the first word of `klamm configs` names. */
const RESOURCE = one('topic|broker|group|client-metrics', ['topic', 'broker', 'group', 'client-metrics'])

const CONFIG_COMMANDS: readonly Command[] = [
  {
    path: ['configs', 'list'],
    about: 'Show what is set of a topic, broker (none: the default of all), group or subscription.',
    positionals: [RESOURCE, maybe('NAME', 'topics')],
    options: { ...SHOW, all: on('Defaults, too.', 'a') },
    load: async () => (await import('./configs.ts')).listConfigs,
  },
  {
    path: ['configs', 'get'],
    about: 'Show settings, and where each comes from.',
    positionals: [RESOURCE, one('NAME', 'topics'), some('KEY')],
    options: SHOW,
    load: async () => (await import('./configs.ts')).getConfigs,
  },
  {
    path: ['configs', 'set'],
    about: "Set settings. NAME '' is the default of all brokers.",
    positionals: [RESOURCE, one('NAME', 'topics'), some('KEY=VALUE')],
    options: { ...CHANGE, 'dry-run': on('Let the broker check, and change nothing.') },
    load: async () => (await import('./configs.ts')).setConfigs,
  },
  {
    path: ['configs', 'unset'],
    about: 'Let settings be what they are by default.',
    positionals: [RESOURCE, one('NAME', 'topics'), some('KEY')],
    options: { ...CHANGE, 'dry-run': on('Let the broker check, and change nothing.') },
    load: async () => (await import('./configs.ts')).unsetConfigs,
  },
]

const CLUSTER_COMMANDS: readonly Command[] = (
  [
    ['info', 'Show the id, the controller and the brokers.', async () => (await import('./cluster.ts')).clusterInfo],
    ['brokers', 'List the brokers.', async () => (await import('./cluster.ts')).listBrokers],
    [
      'features',
      'Show what versions of features are in use and could be.',
      async () => (await import('./cluster.ts')).listFeatures,
    ],
    [
      'quorum',
      'Show the quorum of the controllers, and who is behind.',
      async () => (await import('./cluster.ts')).showQuorum,
    ],
    [
      'log-dirs',
      'Show the directories of the brokers, and what they hold.',
      async () => (await import('./cluster.ts')).listLogDirs,
    ],
  ] as const
).map(([word, about, load]) => ({
  path: ['cluster', word],
  about,
  positionals: [],
  options: SHOW_AND_WATCH,
  load,
}))

const REBALANCE: Command = {
  path: ['rebalance'],
  about: 'Spread partitions and leaders over the brokers, or away from some. Shows the plan; --execute begins it.',
  positionals: [any('TOPIC', 'topics')],
  options: {
    ...SHOW,
    'remove-broker': takes('ID', 'A broker that is to keep nothing. Repeatable.'),
    throttle: takes('BYTES', 'What each broker may copy in a second, until kafka-reassign-partitions --verify.'),
    execute: on('Do it.'),
  },
  load: async () => (await import('./rebalance.ts')).rebalance,
}

const PROFILE_COMMANDS: readonly Command[] = [
  {
    path: ['profile', 'create'],
    about: 'Write down a cluster under a name, and use it from now on.',
    positionals: [one('NAME')],
    options: {
      ...HELP,
      brokers: takes('HOST:PORT,…', 'Brokers to begin with.', 'b'),
      property: takes('KEY=VALUE', "Any property of Kafka's Java clients. Repeatable.", 'X'),
      'command-config': takes('FILE', 'A properties file of such, which is copied.', null, { completes: 'files' }),
      force: on('Replace one of this name.', 'f'),
      ...CHANGING,
    },
    load: async () => (await import('./profile-commands.ts')).createProfile,
  },
  {
    path: ['profile', 'use'],
    about: 'Use this profile from now on.',
    positionals: [one('NAME', 'profiles')],
    options: { ...HELP, ...CHANGING },
    load: async () => (await import('./profile-commands.ts')).useProfile,
  },
  {
    path: ['profile', 'list'],
    about: 'List the profiles; the one in use has a star.',
    positionals: [],
    options: { ...HELP, ...SHOWING },
    load: async () => (await import('./profile-commands.ts')).listProfiles,
  },
  {
    path: ['profile', 'show'],
    about: 'Show a profile, or the one in use. Secrets are hidden.',
    positionals: [maybe('NAME', 'profiles')],
    options: { ...HELP, ...SHOWING },
    load: async () => (await import('./profile-commands.ts')).showProfile,
  },
  {
    path: ['profile', 'edit'],
    about: 'Open the file of profiles in $VISUAL or $EDITOR.',
    positionals: [],
    options: { ...HELP, ...CHANGING },
    load: async () => (await import('./profile-commands.ts')).editProfiles,
  },
  {
    path: ['profile', 'delete'],
    about: 'Forget profiles.',
    positionals: [some('NAME', 'profiles')],
    options: { ...HELP, ...CHANGING },
    load: async () => (await import('./profile-commands.ts')).deleteProfiles,
  },
]

export const COMMANDS: readonly Command[] = [
  ...TOPIC_COMMANDS,
  ...RECORD_COMMANDS,
  ...GROUP_COMMANDS,
  ...CONFIG_COMMANDS,
  ...CLUSTER_COMMANDS,
  REBALANCE,
  ...PROFILE_COMMANDS,
  {
    path: ['start'],
    about: 'Run a node, on 127.0.0.1:9092 with its data in ./data; or with --nodes a cluster of several.',
    positionals: [maybe('server.properties', 'files')],
    options: {
      ...HELP,
      port: takes('PORT', 'Where it listens. Other brokers and the controllers take the ports behind it.', null, {
        defaultValue: '9092',
      }),
      data: takes('DIRECTORY', 'Where data is kept.', null, { defaultValue: 'data', completes: 'files' }),
      override: takes('KEY=VALUE', 'Wins over the same key of the file. Repeatable.'),
      nodes: takes('NUMBER', 'Brokers of a cluster on this machine, a process each.'),
      controllers: takes('NUMBER', 'Controllers beside them; 1 if left out.'),
    },
    load: async () => (await import('./start-nodes.ts')).startNodes,
  },
  {
    path: ['completion'],
    about: 'Print the completion script of a shell.',
    positionals: [one('bash|zsh|fish', ['bash', 'zsh', 'fish'])],
    options: HELP,
    load: async () => (await import('./completion-scripts.ts')).printCompletion,
  },
]
