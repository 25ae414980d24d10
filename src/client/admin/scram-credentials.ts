/**
 * Passwords of SCRAM users (KIP-554). The password itself never leaves this side: the broker is given what is made of it and
 * a salt, and could not make the password of that.
 */
import { saltedPassword } from '../../base/digest.ts'
import { KafkaError } from '../../base/errors.ts'
import { AlterUserScramCredentials } from '../../protocol/generated/alter-user-scram-credentials.ts'
import { DescribeUserScramCredentials } from '../../protocol/generated/describe-user-scram-credentials.ts'
import type { CallOptions } from '../call.ts'
import { errorOf, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask, askByKey } from './admin-call.ts'
import { byName, Codes } from './admin-types.ts'
import { Outcomes } from './outcomes.ts'
import { routeTo } from './routes.ts'

export type ScramMechanism = 'UNKNOWN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
const MECHANISMS = new Codes<ScramMechanism>({ UNKNOWN: 0, 'SCRAM-SHA-256': 1, 'SCRAM-SHA-512': 2 })

export interface ScramCredentialInfo {
  readonly mechanism: ScramMechanism
  readonly iterations: number
}

/** Of all users that have some if `users` is empty. */
export async function describeUserScramCredentials(
  client: NetworkClient,
  users: readonly string[] = [],
  options: CallOptions = {},
): Promise<Outcomes<string, readonly ScramCredentialInfo[]>> {
  return ask(client, { name: 'describeUserScramCredentials', target: 'any' }, options, async (node) => {
    const asked = users.length === 0 ? null : users.map((name) => ({ name }))
    const answer = await node.ask(DescribeUserScramCredentials, { users: asked })
    throwOnError(answer.errorCode, answer.errorMessage)
    const entries = answer.results.map(({ user, errorCode, errorMessage, credentialInfos }) => {
      const infos = credentialInfos.map(({ mechanism, iterations }) => {
        return { mechanism: MECHANISMS.name(mechanism, 'UNKNOWN'), iterations }
      })
      return [user, errorOf(errorCode, errorMessage) ?? infos] as const
    })
    return new Outcomes<string, readonly ScramCredentialInfo[]>(byName, entries)
  })
}

export interface ScramCredentialUpsertion {
  readonly user: string
  readonly mechanism: Exclude<ScramMechanism, 'UNKNOWN'>
  readonly password: string | Buffer
  /** 4096 to 16384. 4096 if left out. */
  readonly iterations?: number
  /** Random if left out. */
  readonly salt?: Buffer
}

export interface ScramCredentialDeletion {
  readonly user: string
  readonly mechanism: Exclude<ScramMechanism, 'UNKNOWN'>
  readonly delete: true
}

export type ScramCredentialAlteration = ScramCredentialUpsertion | ScramCredentialDeletion

const ITERATIONS = 4096
/** PBKDF2 runs here; a slip of the finger must not stop the program for minutes. The broker's own limit is lower. */
const ITERATIONS_MAX = 1_000_000
const SALT_BYTES = 24

/** By user: the broker takes all of a user's alterations or none. */
export async function alterUserScramCredentials(
  client: NetworkClient,
  alterations: readonly ScramCredentialAlteration[],
  options: CallOptions = {},
): Promise<Outcomes<string, void>> {
  const illegal = new Map<string, KafkaError>()
  for (const alteration of alterations) {
    const error = faultOf(alteration)
    if (error !== null) illegal.set(alteration.user, error)
  }
  const outcomes = await askByKey<string, void>(
    client,
    {
      name: 'alterUserScramCredentials',
      keys: alterations.map(({ user }) => user).filter((user) => !illegal.has(user)),
      textOf: byName,
      route: routeTo('controller'),
      ask: async (node, users) => {
        const asked = new Set(users)
        const wanted = alterations.filter(({ user }) => asked.has(user))
        const deletions = wanted.filter((one): one is ScramCredentialDeletion => 'delete' in one)
        const upsertions = wanted.filter((one): one is ScramCredentialUpsertion => !('delete' in one))
        const answer = await node.ask(AlterUserScramCredentials, {
          deletions: deletions.map(({ user, mechanism }) => ({ name: user, mechanism: MECHANISMS.code(mechanism) })),
          upsertions: upsertions.map((one) => upsertion(one, (length) => client.world.random.bytes(length))),
        })
        return answer.results.map(({ user, errorCode, errorMessage }) => [
          user,
          errorOf(errorCode, errorMessage) ?? undefined,
        ])
      },
    },
    options,
  )
  return new Outcomes<string, void>(byName, [...illegal, ...outcomes])
}

function faultOf(alteration: ScramCredentialAlteration): KafkaError | null {
  if (alteration.user === '') return new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Username must not be empty')
  if (MECHANISMS.code(alteration.mechanism) === 0) {
    return new KafkaError('UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism')
  }
  if ('delete' in alteration) return null
  const { password, iterations = ITERATIONS } = alteration
  if (password.length === 0) return new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Password must not be empty')
  if (Number.isInteger(iterations) && iterations > 0 && iterations <= ITERATIONS_MAX) return null
  return new KafkaError('UNACCEPTABLE_CREDENTIAL', `Iterations must be 4096 to 16384, and are ${iterations}.`)
}

function upsertion(
  { user, mechanism, password, iterations = ITERATIONS, salt: given }: ScramCredentialUpsertion,
  random: (length: number) => Buffer,
): { name: string; mechanism: number; iterations: number; salt: Buffer; saltedPassword: Buffer } {
  const digest = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512'
  const bytes = typeof password === 'string' ? Buffer.from(password) : password
  const salt = given ?? random(SALT_BYTES)
  return {
    name: user,
    mechanism: MECHANISMS.code(mechanism),
    iterations,
    salt,
    saltedPassword: saltedPassword(digest, bytes, salt, iterations),
  }
}
