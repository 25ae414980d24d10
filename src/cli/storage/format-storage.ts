/**
 * `kafka-storage.sh format`: checks what was asked for in Kafka's order and words, then formats every log directory
 * that is not yet.
 *
 * Only features that this release serves may be finalised; Kafka's own tool finalises all that it knows.
 */
import { OperationalError } from '../../base/errors.ts'
import { parseUuid, type Uuid } from '../../base/uuid.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import { bootstrapValues } from '../../metadata/bootstrap.ts'
import {
  KRAFT_VERSION,
  METADATA_VERSION,
  METADATA_VERSION_LATEST,
  metadataVersionName,
  newClusterFeatures,
  SUPPORTED_FEATURES,
} from '../../metadata/features.ts'
import { encodeMetadataRecord, type MetadataRecord } from '../../metadata/metadata-records.ts'
import { formatDirectory } from '../../quorum/format.ts'
import { KRAFT_VERSIONS, type Voter } from '../../raft/voters.ts'
import {
  randomUuid,
  readMetaProperties,
  verifyMetaProperties,
  type MetaProperties,
} from '../../storage/meta-properties.ts'
import type { World } from '../../world/world.ts'
import type { Arguments } from '../options/parse-arguments.ts'
import { FEATURE_NAMES, knownLevel, releaseLevel } from './release-features.ts'
import { scramRecord } from './scram-argument.ts'

function fail(sentence: string): OperationalError {
  return new OperationalError('CONFIG_INVALID', sentence)
}

/** What to write. */
interface Plan {
  readonly clusterId: string
  readonly metadataVersion: number
  readonly features: ReadonlyMap<string, number>
  /** Of users, for SCRAM. */
  readonly credentials: readonly MetadataRecord[]
  /** First voters of a dynamic quorum; null where the quorum is static or formatted elsewhere. */
  readonly voters: readonly Voter[] | null
  /** This node's own entry among the voters decides its directory's id. */
  readonly metadataDirectoryId: Uuid
  readonly isVoter: boolean
}

/** @throws OperationalError CONFIG_INVALID, WRONG_CLUSTER */
export async function formatStorage(
  world: World,
  config: BrokerConfig,
  args: Arguments,
  print: (line: string) => void,
): Promise<void> {
  const plan = planOf(world, config, args)
  const { disk } = world
  const directories = [...new Set([config.metadataLogDir, ...config.logDirs])]
  const formatted = new Map<string, MetaProperties>()
  for (const directory of directories) {
    const properties = await readMetaProperties(disk, directory)
    if (properties !== null) formatted.set(directory, properties)
  }
  verifyMetaProperties(formatted, { clusterId: plan.clusterId, nodeId: config.nodeId })
  const ignoreFormatted = args.has('ignore-formatted')
  const [already] = formatted.keys()
  if (already !== undefined && !ignoreFormatted) {
    const advice = 'Use --ignore-formatted to ignore this directory and format the others.'
    throw fail(`Log directory ${already} is already formatted. ${advice}`)
  }
  const missing = directories.filter((directory) => !formatted.has(directory))
  if (missing.length === 0) return print('All of the log directories are already formatted.')
  print(`Bootstrap metadata: ${bootstrapText(plan)}`)
  const bootstrap = [
    ...bootstrapValues(plan.metadataVersion, plan.features),
    ...plan.credentials.map(encodeMetadataRecord),
  ]
  for (const directory of missing) {
    const isMetadata = directory === config.metadataLogDir
    const kind = isMetadata ? metadataKind(plan) : 'data directory'
    print(`Formatting ${kind} ${directory} with metadata.version ${metadataVersionName(plan.metadataVersion)}.`)
    await formatDirectory({
      disk,
      clock: world.clock,
      random: world.random,
      directory,
      clusterId: plan.clusterId,
      nodeId: config.nodeId,
      directoryId: isMetadata ? plan.metadataDirectoryId : randomUuid(world.random),
      bootstrapValues: bootstrap,
      voters: isMetadata ? plan.voters : null,
    })
  }
}

function metadataKind(plan: Plan): string {
  if (plan.voters === null) return 'metadata directory'
  return plan.isVoter ? 'dynamic metadata voter directory' : 'dynamic metadata directory'
}

function planOf(world: World, config: BrokerConfig, args: Arguments): Plan {
  const features = featureLevels(args.values('feature'))
  const metadataVersion = metadataVersionOf(args, features)
  const credentials = args.values('add-scram').map((text) => scramRecord(text, world.random))
  const standalone = args.has('standalone')
  const initial = args.value('initial-controllers')
  const asksForVoters = standalone || initial !== null
  checkQuorum(config, args, asksForVoters)
  checkFeatures(features, config.quorumVoters.length === 0)
  const drawn = randomUuid(world.random)
  const voters = initial === null ? (standalone ? [ownVoter(config, drawn)] : null) : initialVoters(config, initial)
  const own = voters?.find((voter) => voter.id === config.nodeId)
  features.delete(METADATA_VERSION)
  features.delete(KRAFT_VERSION)
  for (const [name, level] of newClusterFeatures(metadataVersion)) if (!features.has(name)) features.set(name, level)
  return {
    clusterId: args.value('cluster-id') ?? '',
    metadataVersion,
    features,
    credentials,
    voters,
    metadataDirectoryId: own?.directoryId ?? drawn,
    isVoter: own !== undefined,
  }
}

function featureLevels(texts: readonly string[]): Map<string, number> {
  const levels = new Map<string, number>()
  for (const text of texts) {
    const [name = '', level] = text.split('=')
    const wrong = `Can't parse feature=level string ${text}`
    if (level === undefined) throw fail(`${wrong}: equals sign not found.`)
    if (!/^[+-]?\d+$/.test(level)) throw fail(`${wrong}: unable to parse ${level} as a short.`)
    levels.set(name, Number(level))
  }
  return levels
}

function metadataVersionOf(args: Arguments, features: ReadonlyMap<string, number>): number {
  const release = args.value('release-version')
  const level = features.get(METADATA_VERSION)
  if (release === null) return level ?? METADATA_VERSION_LATEST
  if (level !== undefined) {
    throw fail('Use --release-version instead of --feature metadata.version=X to avoid ambiguity.')
  }
  return releaseLevel(release)
}

function checkQuorum(config: BrokerConfig, args: Arguments, asksForVoters: boolean): void {
  const isController = config.processRoles.has('controller')
  if (config.quorumVoters.length > 0) {
    if (!asksForVoters) return
    throw fail(
      'You cannot specify controller.quorum.voters and format the node with --initial-controllers or --standalone. ' +
        'If you want to use dynamic quorum, please remove controller.quorum.voters and specify ' +
        'controller.quorum.bootstrap.servers instead.',
    )
  }
  if (args.has('standalone') && !isController) throw fail('You can only use --standalone on a controller.')
  if (isController && !asksForVoters && !args.has('no-initial-controllers')) {
    throw fail(
      'Because controller.quorum.voters is not set on this controller, you must specify one of the following: ' +
        '--standalone, --initial-controllers, or --no-initial-controllers.',
    )
  }
}

function checkFeatures(features: ReadonlyMap<string, number>, isDynamic: boolean): void {
  for (const [name, level] of features) {
    if (name !== METADATA_VERSION && !FEATURE_NAMES.includes(name)) {
      throw fail(`Unsupported feature: ${name}. Supported features are: ${FEATURE_NAMES.join(', ')}`)
    }
    if (!knownLevel(name, level)) throw fail(`No feature:${name} with feature level ${level}`)
    const served = SUPPORTED_FEATURES.find((feature) => feature.name === name)
    if (level > (served?.max ?? 0)) throw fail(`Feature ${name} is not supported yet: only level 0 can be set.`)
    if (name !== KRAFT_VERSION) continue
    if (level === 0 && isDynamic) {
      throw fail(
        'Cannot set kraft.version to 0 if controller.quorum.voters is empty and one of the flags --standalone, ' +
          '--initial-controllers, or --no-initial-controllers is used. For dynamic controllers support, try removing ' +
          'the --feature flag for kraft.version.',
      )
    }
    if (level === 1 && !isDynamic) {
      throw fail(
        'Cannot set kraft.version to 1 unless controller.quorum.voters is empty and one of the flags --standalone, ' +
          '--initial-controllers, or --no-initial-controllers is used. For dynamic controllers support, try using one of ' +
          '--standalone, --initial-controllers, or --no-initial-controllers and removing controller.quorum.voters.',
      )
    }
  }
}

function ownVoter(config: BrokerConfig, directoryId: Uuid): Voter {
  const endpoints = config.controllerListeners.map(({ name, host, port }) => ({
    name,
    host: host || 'localhost',
    port,
  }))
  return { id: config.nodeId, directoryId, endpoints, kraftVersions: KRAFT_VERSIONS }
}

/** `id@host:port:directory,…` */
function initialVoters(config: BrokerConfig, text: string): readonly Voter[] {
  const name = config.controllerListenerNames[0] ?? 'CONTROLLER'
  return text.split(',').map((entry) => {
    const at = entry.indexOf('@')
    if (at < 0) throw fail('No @ found in dynamic voter string.')
    const id = entry.slice(0, at)
    if (!/^\d+$/.test(id)) throw fail(`Failed to parse node id in dynamic voter string.`)
    const match = /^\[?(.*?)\]?:([^:]*):([^:]*)$/.exec(entry.slice(at + 1))
    if (!match || match[1] === '') throw fail('No colon following port could be found.')
    const [, host = '', portText = '', directory = ''] = match
    const port = Number(portText)
    if (!/^\d+$/.test(portText) || port > 65_535) throw fail('Failed to parse port in dynamic voter string.')
    const directoryId = parseUuid(directory)
    if (directoryId === null) throw fail('Failed to parse directory ID in dynamic voter string.')
    return { id: Number(id), directoryId, endpoints: [{ name, host, port }], kraftVersions: KRAFT_VERSIONS }
  })
}

/** As Kafka prints it. */
function bootstrapText(plan: Plan): string {
  const levels = [[METADATA_VERSION, plan.metadataVersion] as const, ...[...plan.features].sort()]
  const records = levels
    .filter(([, level]) => level > 0)
    .map(([name, level]) => `FeatureLevelRecord(name='${name}', featureLevel=${level})`)
    .map((record) => `ApiMessageAndVersion(${record} at version 0)`)
  const rest = `metadataVersionLevel=${plan.metadataVersion}, source=format command`
  return `BootstrapMetadata(records=[${records.join(', ')}], ${rest})`
}
