/** `klamm profile …` */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { commandConfig, keyValues } from '../clients/client-properties.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Run } from './command.ts'
import { notFound, usageError } from './exits.ts'
import { profilesOf, profilesPath, readProfiles, shownProperty, writeProfiles, type Profile } from './profiles.ts'

export const createProfile: Run = async ({ words, host, output }) => {
  const { environment, world } = host
  const [name = ''] = words.positionals
  if (!/^[\w.-]{1,100}$/.test(name) || name === '__proto__') {
    throw usageError(
      `The name of a profile has letters, digits, '.', '_' and '-', and is ${name}.`,
      'klamm profile create',
    )
  }
  const { profiles } = readProfiles(environment)
  if (Object.hasOwn(profiles, name) && !words.has('force')) {
    throw failure(`klamm: There is a profile '${name}' already: --force replaces it.`)
  }
  const properties = await commandConfig(world.disk, words.value('command-config'))
  for (const [key, text] of keyValues(words.values('property'))) properties.set(key, text)
  const brokers = words.value('brokers') ?? properties.get('bootstrap.servers') ?? 'localhost:9092'
  properties.delete('bootstrap.servers')
  const profile = { brokers, properties: Object.fromEntries(properties) }
  writeProfiles(environment, { current: name, profiles: { ...profiles, [name]: profile } })
  output.done([{ name, status: 'created' }], [`${name}: created in ${profilesPath(environment)}, and in use.`])
}

export const useProfile: Run = ({ words, host, output }) => {
  const [name = ''] = words.positionals
  const { profiles } = readProfiles(host.environment)
  needed(profiles, name)
  writeProfiles(host.environment, { current: name, profiles })
  output.done([{ name, status: 'in use' }], [`${name}: in use.`])
  return Promise.resolve()
}

export const listProfiles: Run = ({ host, output }) => {
  const { current, profiles } = readProfiles(host.environment)
  const data = Object.entries(profiles).map(([name, { brokers }]) => ({ name, brokers, current: name === current }))
  output.show(data, () => [
    {
      title: null,
      columns: ['profile', 'brokers'],
      rows: data.map((one) => [`${one.name}${one.current ? '*' : ''}`, one.brokers]),
    },
  ])
  return Promise.resolve()
}

export const showProfile: Run = ({ words, host, output }) => {
  const { current, profiles } = readProfiles(host.environment)
  const name = words.positionals[0] ?? (host.environment['KLAMM_PROFILE'] || current)
  if (name === null) throw failure("klamm: No profile is in use: 'klamm profile create NAME' makes one.")
  const { brokers, properties } = needed(profiles, name)
  const shown = Object.entries(properties).map(([key, text]) => [key, shownProperty(key, text)] as const)
  output.show({ name, brokers, properties: Object.fromEntries(shown) }, () => [
    { title: name, columns: ['property', 'value'], rows: [['bootstrap.servers', brokers], ...shown] },
  ])
  return Promise.resolve()
}

export const editProfiles: Run = ({ host, output }) => {
  const { environment } = host
  const path = profilesPath(environment)
  writeProfiles(environment, readProfiles(environment))
  const copy = `${path}.edit.json`
  writeFileSync(copy, readFileSync(path), { mode: 0o600 })
  try {
    const editor = environment['VISUAL'] || environment['EDITOR'] || 'vi'
    // The variable may hold options, too.
    const { status } = spawnSync('sh', ['-c', `${editor} "$1"`, 'sh', copy], { stdio: 'inherit' })
    if (status !== 0) throw failure(`klamm: ${editor} ended with ${status ?? 'a signal'}: nothing is changed.`)
    const edited = profilesOf(readFileSync(copy, 'utf8'))
    if (edited === null) throw failure('klamm: That is not as klamm writes profiles: nothing is changed.')
    writeProfiles(environment, edited)
  } finally {
    rmSync(copy, { force: true })
  }
  output.done([{ status: 'edited' }], [`${path}: edited.`])
  return Promise.resolve()
}

export const deleteProfiles: Run = ({ words, host, output }) => {
  const { current, profiles } = readProfiles(host.environment)
  for (const name of words.positionals) needed(profiles, name)
  const left = Object.entries(profiles).filter(([name]) => !words.positionals.includes(name))
  const isLeft = left.some(([name]) => name === current)
  writeProfiles(host.environment, { current: isLeft ? current : null, profiles: Object.fromEntries(left) })
  output.done(
    words.positionals.map((name) => ({ name, status: 'deleted' })),
    words.positionals.map((name) => `${name}: deleted.`),
  )
  return Promise.resolve()
}

function needed(profiles: Readonly<Record<string, Profile>>, name: string): Profile {
  const profile = profiles[name]
  if (profile === undefined) throw notFound('profile', name, Object.keys(profiles))
  return profile
}
