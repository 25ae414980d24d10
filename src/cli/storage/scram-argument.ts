/** `--add-scram 'SCRAM-SHA-256=[name=alice,password=secret]'`: a credential that a cluster begins with (KIP-900). */
import { OperationalError } from '../../base/errors.ts'
import { digest, hmac, saltedPassword, type DigestName } from '../../base/digest.ts'
import { metadataRecord, type MetadataRecord } from '../../metadata/metadata-records.ts'
import type { Random } from '../../world/world.ts'
import { isInteger } from '../options/parse-options.ts'

const MECHANISMS: Readonly<Record<string, { readonly code: number; readonly digest: DigestName }>> = {
  'SCRAM-SHA-256': { code: 1, digest: 'sha256' },
  'SCRAM-SHA-512': { code: 2, digest: 'sha512' },
}
const ITERATIONS = { min: 4096, max: 16384 }
const SALT_BYTES = 24

function fail(sentence: string): OperationalError {
  return new OperationalError('CONFIG_INVALID', sentence)
}

/** The password is not kept: salted, hashed keys are. @throws OperationalError CONFIG_INVALID */
export function scramRecord(argument: string, random: Random): MetadataRecord {
  const text = argument.trim()
  const equals = text.indexOf('=')
  if (equals < 0) throw fail(`Failed to find equals sign in SCRAM argument '${text}'`)
  const name = text.slice(0, equals)
  const mechanism = MECHANISMS[name]
  if (mechanism === undefined) throw fail(`The add-scram mechanism ${name} is not supported.`)
  const list = text.slice(equals + 1)
  if (!list.startsWith('[')) throw fail('Expected configuration string to start with [')
  if (!list.endsWith(']')) throw fail('Expected configuration string to end with ]')
  const given = fields(list.slice(1, -1))
  const user = taken(given, 'name')
  if (user === null) throw fail("You must supply 'name' to add-scram")
  const saltText = taken(given, 'salt')
  const salt = saltText === null ? random.bytes(SALT_BYTES) : decoded(saltText, 'salt')
  const iterations = iterationsOf(taken(given, 'iterations'), name)
  const [password, saltedText] = [taken(given, 'password'), taken(given, 'saltedpassword')]
  if (password === null && saltedText === null) {
    throw fail("You must supply one of 'password' or 'saltedpassword' to add-scram")
  }
  if (password === null && saltText === null) throw fail("You must supply 'salt' with 'saltedpassword' to add-scram")
  if (given.size > 0) throw fail(`Unknown SCRAM configurations: ${[...given.keys()].sort().join(', ')}`)
  const salted =
    password === null
      ? decoded(saltedText ?? '', 'saltedPassword')
      : saltedPassword(mechanism.digest, Buffer.from(password), salt, iterations)
  return metadataRecord('UserScramCredentialRecord', 0, {
    name: user,
    mechanism: mechanism.code,
    salt,
    storedKey: digest(mechanism.digest, hmac(mechanism.digest, salted, Buffer.from('Client Key'))),
    serverKey: hmac(mechanism.digest, salted, Buffer.from('Server Key')),
    iterations,
  })
}

function fields(text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const part of text.split(',')) {
    const equals = part.indexOf('=')
    if (equals < 0) throw fail(`No equals sign found in SCRAM component: ${part}`)
    found.set(part.slice(0, equals), part.slice(equals + 1).replace(/^"(.*)"$/s, '$1'))
  }
  return found
}

function taken(given: Map<string, string>, name: string): string | null {
  const text = given.get(name) ?? null
  given.delete(name)
  return text
}

function decoded(text: string, what: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw fail(`Failed to decode given ${what}: ${text}`)
  return Buffer.from(text, 'base64')
}

function iterationsOf(text: string | null, mechanism: string): number {
  if (text === null) return ITERATIONS.min
  if (!isInteger(text)) throw fail(`Failed to parse iterations count: ${text}`)
  const iterations = Number(text)
  const shown = mechanism.replaceAll('-', '_')
  if (iterations < ITERATIONS.min) {
    throw fail(`The 'iterations' value must be >= ${ITERATIONS.min} for add-scram using ${shown}`)
  }
  if (iterations > ITERATIONS.max) {
    throw fail(`The 'iterations' value must be <= ${ITERATIONS.max} for add-scram using ${shown}`)
  }
  return iterations
}
