/** SCRAM credentials of users, for kafka-configs.sh. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { ScramCredentialAlteration } from '../../client/admin/scram-credentials.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Terminal } from '../tool/tool.ts'

const MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const ITERATIONS_MIN = 4096

export function isScram(key: string): boolean {
  return MECHANISMS.some((mechanism) => mechanism === key)
}

export async function describeScram(admin: AdminClient, users: readonly string[], terminal: Terminal): Promise<void> {
  for (const [user, outcome] of await admin.describeUserScramCredentials(users)) {
    if (outcome instanceof Error) {
      if ('code' in outcome && outcome.code === 'RESOURCE_NOT_FOUND') continue
      terminal.out(`Error retrieving SCRAM credential configs for user-principal '${user}': ${outcome.message}`)
      continue
    }
    const infos = outcome.map(({ mechanism, iterations }) => `${mechanism}=iterations=${iterations}`)
    terminal.out(`SCRAM credential configs for user-principal '${user}' are ${infos.join(', ')}`)
  }
}

export async function alterScram(
  admin: AdminClient,
  user: string,
  toAdd: ReadonlyMap<string, string>,
  toDelete: readonly string[],
): Promise<void> {
  const alterations: ScramCredentialAlteration[] = []
  for (const mechanism of MECHANISMS) {
    if (toDelete.includes(mechanism)) alterations.push({ user, mechanism, delete: true })
  }
  for (const mechanism of MECHANISMS) {
    const text = toAdd.get(mechanism)
    if (text !== undefined) alterations.push({ user, mechanism, ...credential(mechanism, text) })
  }
  ;(await admin.alterUserScramCredentials(alterations)).all()
}

/** `iterations=8192,password=secret` */
function credential(mechanism: string, text: string): { readonly iterations: number; readonly password: string } {
  const parts = /^(?:iterations=(-?\d*),)?password=(.*)$/s.exec(text)
  if (parts === null) throw failure(`Invalid credential property ${mechanism}=${text}`)
  const given = parts[1] ?? '-1'
  const iterations = given === '-1' ? ITERATIONS_MIN : Number(given)
  if (iterations < ITERATIONS_MIN) {
    throw failure(`Iterations ${iterations} is less than the minimum ${ITERATIONS_MIN} required for ${mechanism}`)
  }
  return { iterations, password: parts[2] ?? '' }
}
