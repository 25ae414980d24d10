/**
 * Profiles: named clusters with the properties of their clients, in profiles.json of the user's configuration directory
 * ($XDG_CONFIG_HOME/klamm, ~/.config/klamm). Only its owner may read the file, which may hold passwords.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { isObject, parseJsonObject } from '../text/json-file.ts'
import { failure } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'

export interface Profile {
  /** As bootstrap.servers. */
  readonly brokers: string
  /** Of Java's clients. */
  readonly properties: Readonly<Record<string, string>>
}

export interface Profiles {
  /** The one that is used where none is named. */
  readonly current: string | null
  readonly profiles: Readonly<Record<string, Profile>>
}

type Environment = ToolHost['environment']

export function profilesPath(environment: Environment): string {
  const base = environment['XDG_CONFIG_HOME']
  return join(
    base?.startsWith('/') ? base : join(environment['HOME'] ?? homedir(), '.config'),
    'klamm',
    'profiles.json',
  )
}

/** None without a file. @throws ToolExit if the file is not as it is written here. */
export function readProfiles(environment: Environment): Profiles {
  const path = profilesPath(environment)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { current: null, profiles: {} }
    throw failure(`klamm: ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  const profiles = profilesOf(text)
  if (profiles === null) {
    throw failure(`klamm: ${path} is not as klamm writes it: mend it, or move it away and begin anew.`)
  }
  return profiles
}

/** Null if the text is none of this form. */
export function profilesOf(text: string): Profiles | null {
  const json = parseJsonObject(text)
  if (json === null || !isObject(json['profiles'])) return null
  const current = json['current'] ?? null
  const profiles: Record<string, Profile> = Object.create(null)
  for (const [name, profile] of Object.entries(json['profiles'])) {
    if (!isObject(profile)) return null
    const { brokers = '', properties = {} } = profile
    if (typeof brokers !== 'string' || !isObject(properties)) return null
    const texts = Object.entries(properties).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    profiles[name] = { brokers, properties: Object.fromEntries(texts) }
  }
  return { current: typeof current === 'string' ? current : null, profiles }
}

/** Replaces the file in one step. */
export function writeProfiles(environment: Environment, profiles: Profiles): void {
  const path = profilesPath(environment)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = `${path}.new`
  writeFileSync(fresh, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600 })
  // One that was left behind keeps its mode.
  chmodSync(fresh, 0o600)
  renameSync(fresh, path)
}

const SECRET = /password|secret|jaas|token|credential|ssl\.keystore\.key$|passphrase/i

/** What may be shown of a property. */
export function shownProperty(name: string, value: string): string {
  return SECRET.test(name) && !/(url|location|class)$/.test(name) ? '********' : value
}
