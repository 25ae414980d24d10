/**
 * Node's crypto, loaded when it is first wanted: that takes longer than all else that most command line tools do, and few
 * of them need it. Who uses it answers for a result that is the same on any machine, or stands behind `World`.
 */
// oxlint-disable-next-line no-restricted-imports -- its type alone
import type crypto from 'node:crypto'

export function nodeCrypto(): typeof crypto {
  return process.getBuiltinModule('node:crypto')
}
