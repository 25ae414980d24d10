import { expect, test } from 'vitest'
import { scramRecord } from './scram-argument.ts'

const RANDOM = { uint32: () => 7, below: () => 0, bytes: (length: number) => Buffer.alloc(length, 7) }

/** The user and password of RFC 7677's example. */
test('the keys of a credential are those of RFC 7677, from a password and from a salted one', () => {
  const salt = 'W22ZaJ0SNY7soEsUEjb6gQ=='
  const { data } = scramRecord(`SCRAM-SHA-256=[name=user,salt="${salt}",password=pencil]`, RANDOM)
  expect(data).toMatchObject({ name: 'user', mechanism: 1, iterations: 4096, salt: Buffer.from(salt, 'base64') })
  if (!('storedKey' in data)) throw new Error('no credential')
  expect(data.storedKey.toString('base64')).toBe('WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=')
  expect(data.serverKey.toString('base64')).toBe('wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=')
  const salted = 'xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0='
  const other = scramRecord(`SCRAM-SHA-256=[name=user,salt=${salt},saltedpassword="${salted}"]`, RANDOM)
  expect(other.data).toEqual(data)
})

test.each([
  ['SCRAM-SHA-256', "Failed to find equals sign in SCRAM argument 'SCRAM-SHA-256'"],
  ['SCRAM-SHA-256=name=a', 'Expected configuration string to start with ['],
  ['SCRAM-SHA-256=[name=a', 'Expected configuration string to end with ]'],
  ['SCRAM-SHA-256=[name]', 'No equals sign found in SCRAM component: name'],
  ['SCRAM-SHA-256=[name=a,saltedpassword=eA==]', "You must supply 'salt' with 'saltedpassword' to add-scram"],
  ['SCRAM-SHA-256=[name=a,password=b,salt=?]', 'Failed to decode given salt: ?'],
  ['SCRAM-SHA-256=[name=a,password=b,iterations=x]', 'Failed to parse iterations count: x'],
  ['SCRAM-SHA-256=[name=a,password=b,iterations=16385]', "The 'iterations' value must be <= 16384"],
  ['SCRAM-SHA-256=[name=a,password=b,nope=1,more=2]', 'Unknown SCRAM configurations: more, nope'],
])('%s is refused', (argument, sentence) => {
  expect(() => scramRecord(argument, RANDOM)).toThrow(sentence)
})
