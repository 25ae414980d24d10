/** The Admin of a tool, made from Java's properties, with the sentences that Java's clients fail with. */
import { isIP } from 'node:net'
import { KafkaError, OperationalError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { AdminClient } from '../../client/admin/admin.ts'
import {
  parseAddresses,
  resolveClientOptions,
  type Address,
  type ResolvedClientOptions,
} from '../../client/client-options.ts'
import { ClientError } from '../../client/errors.ts'
import { brokerSentence } from '../text/broker-sentences.ts'
import { warningsTo, type ToolHost } from '../tool/tool.ts'
import { commonClientOptions, type Properties } from './client-properties.ts'

const FAILED = 'Failed to create new KafkaAdminClient'

export async function makeAdmin(
  host: ToolHost,
  properties: Properties,
  logger: Logger = warningsTo(host.terminal),
): Promise<AdminClient> {
  return new AdminClient(host.world, { ...(await adminOptions(host, properties)), logger })
}

/**
 * @param properties with `bootstrap.servers`, or `bootstrap.controllers` (KIP-919).
 * @throws OperationalError CONFIG_INVALID, in two lines: as Java's client says it, and why.
 */
export async function adminOptions(
  { world, terminal }: ToolHost,
  properties: Properties,
): Promise<ResolvedClientOptions> {
  const servers = properties.get('bootstrap.servers') ?? ''
  const controllers = properties.get('bootstrap.controllers') ?? ''
  if (servers.split(',').length > 1 && servers.split(',').some((one) => one.trim() === '')) {
    throw invalid("Configuration 'bootstrap.servers' values must not be empty.")
  }
  try {
    if (servers === '' && controllers === '') {
      throw invalid('You must set either bootstrap.servers or bootstrap.controllers')
    }
    const key = servers === '' ? 'bootstrap.controllers' : 'bootstrap.servers'
    const bootstrap = await reachableNames(addresses(key, servers === '' ? controllers : servers), key)
    const options = resolveClientOptions({
      brokers: 'unused:1',
      clientId: 'adminclient-1',
      logger: warningsTo(terminal),
      ...(await commonClientOptions(world.disk, properties)),
    })
    const endpoint = servers === '' ? 'controllers' : 'brokers'
    return { ...options, bootstrap, endpoint }
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error
    throw new OperationalError('CONFIG_INVALID', FAILED, { cause: error })
  }
}

function invalid(sentence: string): OperationalError {
  return new OperationalError('CONFIG_INVALID', sentence)
}

function addresses(key: string, text: string): Address[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .flatMap((one) => {
      try {
        return parseAddresses(one)
      } catch (error) {
        if (error instanceof ClientError) throw invalid(`Invalid url in ${key}: ${one}`)
        throw error
      }
    })
}

/** Java's clients ask for the addresses of names when they are made, and give up if there is none. */
async function reachableNames(all: readonly Address[], key: string): Promise<Address[]> {
  const known = await Promise.all(
    all.map(async ({ host }) => {
      if (isIP(host) !== 0) return true
      const { lookup } = await import('node:dns/promises')
      return await lookup(host).then(
        () => true,
        () => false,
      )
    }),
  )
  const found = all.filter((_, index) => known[index])
  if (found.length === 0) throw invalid(`No resolvable bootstrap urls given in ${key}`)
  return found
}

/** Runs `work` with an Admin, and closes it whatever comes. */
export async function withAdmin<T>(
  host: ToolHost,
  properties: Properties,
  work: (admin: AdminClient) => Promise<T>,
  logger?: Logger,
): Promise<T> {
  const admin = await makeAdmin(host, properties, logger)
  try {
    return await work(admin)
  } catch (error) {
    // Kafka's sentence of it says nothing that could be mended.
    if (isTlsFailure(error)) host.terminal.error(`WARN ${error.message}`)
    throw error
  } finally {
    await admin.close()
  }
}

export function isTlsFailure(error: unknown): error is ClientError {
  return error instanceof ClientError && error.code === 'AUTHENTICATION_FAILED'
}

/** What Java's client would say of an error of ours. */
export function clientSentence(error: unknown): string {
  if (isTlsFailure(error)) return 'SSL handshake failed'
  if (error instanceof ClientError && error.code === 'TIMED_OUT') {
    const call = error.message.split(':')[0] ?? ''
    return `Timed out waiting for a node assignment. Call: ${call}`
  }
  if (error instanceof KafkaError) return brokerSentence(error)
  return error instanceof Error ? error.message : String(error)
}

export function isKafkaError(error: unknown, code: KafkaError['code']): boolean {
  return error instanceof KafkaError && error.code === code
}
