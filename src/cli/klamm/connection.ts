/**
 * Which cluster a command speaks to, and how. What goes before what: -b, -X, --command-config, --profile, KLAMM_BROKERS,
 * the profile in use, localhost:9092.
 */
import { SILENT } from '../../base/logger.ts'
import { KafkaError, OperationalError } from '../../base/errors.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import { ClientError } from '../../client/errors.ts'
import { commandConfig, keyValues, type Properties } from '../clients/client-properties.ts'
import { sentenceOf, type ToolHost } from '../tool/tool.ts'
import { noBroker, notFound } from './exits.ts'
import { readProfiles, type Profile } from './profiles.ts'
import type { Words } from './words.ts'

const DEFAULT_BROKERS = 'localhost:9092'
const SERVERS = 'bootstrap.servers'
/** How long to wait for the first answer of a cluster; where nobody listens at all, for a broker that starts just now. */
const FIRST_ANSWER_MS = 5000
const NOBODY_LISTENS_MS = 1000
const NOBODY = /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH/

export async function clientProperties(words: Words, { world, environment }: ToolHost): Promise<Properties> {
  const named = words.value('profile')
  const profile = profileInUse(named, environment)
  const properties: Properties = new Map([['client.id', 'klamm'], ...Object.entries(profile?.properties ?? {})])
  const fromEnvironment = environment['KLAMM_BROKERS'] ?? ''
  if (profile !== null && profile.brokers !== '') properties.set(SERVERS, profile.brokers)
  if (fromEnvironment !== '' && (named === null || !properties.has(SERVERS))) properties.set(SERVERS, fromEnvironment)
  for (const [key, text] of await commandConfig(world.disk, words.value('command-config'))) properties.set(key, text)
  for (const [key, text] of keyValues(words.values('property'))) properties.set(key, text)
  const brokers = words.value('brokers')
  if (brokers !== null) properties.set(SERVERS, brokers)
  if (!properties.has(SERVERS)) properties.set(SERVERS, DEFAULT_BROKERS)
  return properties
}

function profileInUse(named: string | null, environment: ToolHost['environment']): Profile | null {
  const asked = named ?? (environment['KLAMM_PROFILE'] || null)
  const { current, profiles } = readProfiles(environment)
  const name = asked ?? current
  if (name === null) return null
  const profile = profiles[name]
  if (profile === undefined) throw notFound('profile', name, Object.keys(profiles))
  return profile
}

/** Runs `work` with an Admin, and closes it whatever comes. Rejects with ToolExit if no broker answers. */
export async function withAdmin<T>(
  host: ToolHost,
  properties: Properties,
  work: (admin: AdminClient) => Promise<T>,
): Promise<T> {
  const brokers = properties.get(SERVERS) ?? ''
  const { makeAdmin } = await import('../clients/admin.ts')
  let admin: AdminClient
  try {
    admin = await makeAdmin(host, properties, SILENT)
  } catch (error) {
    // Java's name of what was made says nothing here.
    if (error instanceof OperationalError && error.cause instanceof Error) {
      throw new OperationalError(error.code, `klamm: ${error.cause.message}`)
    }
    throw error
  }
  try {
    await firstAnswer(admin, brokers)
    return await work(admin)
  } finally {
    await admin.close()
  }
}

async function firstAnswer(admin: AdminClient, brokers: string): Promise<void> {
  for (const timeoutMs of [NOBODY_LISTENS_MS, FIRST_ANSWER_MS]) {
    try {
      await admin.describeCluster({ timeoutMs })
      return
    } catch (error) {
      // A listing needs no right; what is refused here may be allowed there.
      if (error instanceof KafkaError) return
      if (!(error instanceof ClientError) || error.code !== 'TIMED_OUT') throw error
      const reason = reasonOf(error)
      if (timeoutMs === FIRST_ANSWER_MS || NOBODY.test(reason)) throw noBroker(brokers, reason)
    }
  }
}

function reasonOf(error: ClientError): string {
  return error.cause instanceof Error ? sentenceOf(error.cause) : `nothing came within ${FIRST_ANSWER_MS / 1000} s.`
}
