import { expect, test } from 'vitest'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { digest, hmac, saltedPassword } from '../../base/digest.ts'
import type { SaslConversation } from './mechanism.ts'
import { scram, type ScramOptions } from './scram.ts'

const ALICE = { username: 'alice', password: 'pencil' }
const SALT = Buffer.from('salt').toString('base64')

async function begin(options: ScramOptions = ALICE): Promise<SaslConversation> {
  const { clock, random } = new SeededWorld(1)
  return scram('SCRAM-SHA-256', options).begin({ clock, random, host: 'h' })
}

/** A broker that knows `password`: its first message, and its last to the client's proof. */
function broker(conversation: SaslConversation, password: string, iterations = 4096) {
  const bare = conversation.first.toString().slice('n,,'.length)
  const nonce = /r=([^,]+)/.exec(bare)![1]!
  const serverFirst = `r=${nonce}server,s=${SALT},i=${iterations}`
  const salted = saltedPassword('sha256', Buffer.from(password), Buffer.from('salt'), iterations)
  const last = (clientFinal: string): { isProven: boolean; message: string } => {
    const [withoutProof, proof] = clientFinal.split(',p=') as [string, string]
    const signed = Buffer.from(`${bare},${serverFirst},${withoutProof}`)
    const storedKey = digest('sha256', hmac('sha256', salted, Buffer.from('Client Key')))
    const signature = hmac('sha256', storedKey, signed)
    const clientKey = Buffer.from(proof, 'base64').map((byte, index) => byte ^ signature[index]!)
    const serverKey = hmac('sha256', salted, Buffer.from('Server Key'))
    return {
      isProven: digest('sha256', Buffer.from(clientKey)).equals(storedKey),
      message: `v=${hmac('sha256', serverKey, signed).toString('base64')}`,
    }
  }
  return { serverFirst, last }
}

test('both sides prove that they know the password', async () => {
  const conversation = await begin()
  const { serverFirst, last } = broker(conversation, 'pencil')
  const proof = conversation.answer(Buffer.from(serverFirst))
  const { isProven, message } = last(proof!.toString())
  expect(isProven).toBe(true)
  expect(conversation.answer(Buffer.from(message))).toBeNull()
  expect(() => conversation.answer(Buffer.from(message))).toThrow('goes on after its last word')
})

test('a broker that does not know the password is not believed', async () => {
  const conversation = await begin()
  const { serverFirst, last } = broker(conversation, 'pen')
  const proof = conversation.answer(Buffer.from(serverFirst))
  const { isProven, message } = last(proof!.toString())
  expect(isProven).toBe(false)
  expect(() => conversation.answer(Buffer.from(message))).toThrow('its signature is wrong')
  const other = await begin()
  other.answer(Buffer.from(broker(other, 'pencil').serverFirst))
  expect(() => other.answer(Buffer.alloc(0))).toThrow('its signature is wrong')
})

test('names are escaped, and a delegation token says that it is one', async () => {
  const { first } = await begin({ username: 'a=b,c', password: 'x', isDelegationToken: true })
  expect(first.toString()).toMatch(/^n,,n=a=3Db=2Cc,r=[\w-]+,tokenauth=true$/)
})

test('another nonce, too few or too many iterations, errors and rubbish fail', async () => {
  const cases: [string, string][] = [
    [`r=other,s=${SALT},i=4096`, 'nonce of another conversation'],
    ['e=unknown-user', 'unknown-user'],
    ['rubbish', 'is no message of SCRAM'],
    [`r=NONCEx,s=${SALT},i=4095`, 'Requested iterations 4095 is less than the minimum 4096 for SCRAM-SHA-256.'],
    [`r=NONCEx,s=${SALT},i=999999999`, '999999999 iterations'],
    [`r=NONCEx,s=${SALT},i=-5`, 'is no message of SCRAM'],
    [`r=NONCE,s=${SALT},i=4096`, 'nonce of another conversation'],
  ]
  for (const [message, reason] of cases) {
    const conversation = await begin()
    const nonce = /r=([^,]+)/.exec(conversation.first.toString())![1]!
    expect(() => conversation.answer(Buffer.from(message.replace('NONCE', nonce))), message).toThrow(reason)
  }
})
