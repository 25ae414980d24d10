/** kafka-features.sh: levels of features shown, raised, lowered and looked up. */
import { OperationalError } from '../../base/errors.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { UpgradeType } from '../../client/admin/quorum.ts'
import { METADATA_VERSION, metadataVersionName } from '../../metadata/features.ts'
import { clientSentence, withAdmin } from '../clients/admin.ts'
import { setBootstrap } from '../clients/bootstrap.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { parseArguments, type Arguments } from '../options/parse-arguments.ts'
import {
  featureDependencies,
  FEATURE_NAMES,
  knownLevel,
  releaseLevel,
  releaseLevels,
  versionMapping,
} from '../storage/release-features.ts'
import { failure, ToolExit } from '../tool/tool-exit.ts'
import type { Terminal, Tool } from '../tool/tool.ts'
import { FEATURES_ARGUMENTS } from './features-arguments.ts'

export const features: Tool = async (argv, host) => {
  const args = parseArguments(FEATURES_ARGUMENTS, argv, {
    refuse: (reason) => new ToolExit(1, `Command line error: ${reason}. Type --help for help.`),
  })
  const { terminal } = host
  if (args.command === 'version-mapping') {
    terminal.out(checkedRelease(args.value('release-version'), (release) => versionMapping(release)))
    return 0
  }
  if (args.command === 'feature-dependencies') {
    for (const text of args.values('feature')) terminal.out(dependenciesOf(text))
    return 0
  }
  const properties = await commandConfig(host.world.disk, args.value('command-config'))
  setBootstrap(properties, args.value('bootstrap-server'), args.value('bootstrap-controller'))
  await withAdmin(host, properties, async (admin) => {
    if (args.command === 'describe') await describe(admin, args.number('node-id'), terminal)
    else await update(admin, args, terminal)
  })
  return 0
}

/** A release that nobody knows is answered with all that are. */
function checkedRelease<T>(release: string | null, work: (release: string | null) => T): T {
  try {
    return work(release)
  } catch (error) {
    if (error instanceof OperationalError) throw failure(error.message)
    throw error
  }
}

function nameAndLevel(text: string): readonly [string, number] {
  const equals = text.indexOf('=')
  const wrong = `Can't parse feature=level string ${text}`
  if (equals < 0) throw failure(`${wrong}: equals sign not found.`)
  const level = text.slice(equals + 1).trim()
  if (!/^[+-]?\d+$/.test(level) || Math.abs(Number(level)) > 32_767) {
    throw failure(`${wrong}: unable to parse ${level} as a short.`)
  }
  return [text.slice(0, equals).trim(), Number(level)]
}

function dependenciesOf(text: string): string {
  const [name, level] = nameAndLevel(text)
  if (name === METADATA_VERSION) {
    if (metadataVersionName(level) === null) throw failure(`Unknown metadata.version ${level}`)
  } else {
    if (!FEATURE_NAMES.includes(name)) throw failure(`Unknown feature: ${name}`)
    if (!knownLevel(name, level)) throw failure(`No feature:${name} with feature level ${level}`)
  }
  return featureDependencies([`${name}=${level}`])
}

async function describe(admin: AdminClient, nodeId: number | null, terminal: Terminal): Promise<void> {
  if (nodeId !== null && nodeId < 0) throw failure(`Invalid node id ${nodeId}: must be non-negative.`)
  const told = await admin.describeFeatures(nodeId === null ? {} : { nodeId })
  const levelText = (name: string, level: number) =>
    name === METADATA_VERSION ? (metadataVersionName(level) ?? `UNKNOWN ${level}`) : String(level)
  for (const [name, { minVersion, maxVersion }] of Object.entries(told.supportedFeatures).sort(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    const finalized = told.finalizedFeatures[name]?.maxVersionLevel ?? 0
    terminal.out(
      [
        `Feature: ${name.padEnd(40)}`,
        `SupportedMinVersion: ${levelText(name, minVersion).padEnd(15)}`,
        `SupportedMaxVersion: ${levelText(name, maxVersion).padEnd(15)}`,
        `FinalizedVersionLevel: ${levelText(name, finalized).padEnd(15)}`,
        `Epoch: ${told.finalizedFeaturesEpoch ?? '-'}`,
      ].join('  '),
    )
  }
}

async function update(admin: AdminClient, args: Arguments, terminal: Terminal): Promise<void> {
  const operation = args.command
  const levels = operation === 'disable' ? disabledLevels(args) : wantedLevels(args, terminal)
  if (levels.size === 0) throw failure(`You must specify at least one feature to ${operation}`)
  const isDry = args.has('dry-run')
  const upgradeType = upgradeTypeOf(args)
  const updates = [...levels].map(([feature, maxVersionLevel]) => ({ feature, maxVersionLevel, upgradeType }))
  const outcomes = await admin.updateFeatures(updates, { validateOnly: isDry })
  const sorted = [...outcomes].sort(([one], [other]) => (one < other ? -1 : 1))
  for (const [feature, outcome] of sorted) {
    const level = levels.get(feature) ?? 0
    if (outcome instanceof Error) {
      const what = operation === 'disable' ? `disable ${feature}` : `${operation} ${feature} to ${level}`
      terminal.out(`${isDry ? 'Can not' : 'Could not'} ${what}. ${clientSentence(outcome)}`)
    } else {
      const done = operation === 'disable' ? 'disabled.' : `${operation}d to ${level}.`
      terminal.out(`${feature} ${isDry ? 'can be' : 'was'} ${done}`)
    }
  }
  const failed = outcomes.errors().size
  if (failed > 0) throw failure(`${failed} out of ${levels.size} operation(s) failed.`)
}

function upgradeTypeOf(args: Arguments): UpgradeType {
  if (args.command === 'upgrade') return 'UPGRADE'
  return args.has('unsafe') ? 'UNSAFE_DOWNGRADE' : 'SAFE_DOWNGRADE'
}

function add(levels: Map<string, number>, feature: string, level: number): void {
  if (levels.has(feature)) throw failure(`Feature ${feature} was specified more than once.`)
  levels.set(feature, level)
}

function disabledLevels(args: Arguments): Map<string, number> {
  const levels = new Map<string, number>()
  for (const feature of args.values('feature')) add(levels, feature, 0)
  return levels
}

function wantedLevels(args: Arguments, terminal: Terminal): Map<string, number> {
  const [release, metadata] = [args.value('release-version'), args.value('metadata')]
  const levels = new Map<string, number>()
  if (release !== null) {
    if (metadata !== null || args.has('feature')) {
      throw failure('Can not specify `release-version` with other feature flags.')
    }
    const all = checkedRelease(release, () => releaseLevels(releaseLevel(release, true)))
    // Raising a feature to 0 is no wish.
    return new Map([...all].filter(([, level]) => args.command !== 'upgrade' || level > 0))
  }
  if (metadata !== null) {
    terminal.out(' `metadata` flag is deprecated and may be removed in a future release.')
    add(
      levels,
      METADATA_VERSION,
      checkedRelease(metadata, () => releaseLevel(metadata, true)),
    )
  }
  for (const text of args.values('feature')) add(levels, ...nameAndLevel(text))
  return levels
}
