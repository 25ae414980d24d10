/** What comes of a request to another node: an answer, a failure to try again, or a broken invariant, which is neither. */
import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import { SILENT } from '../base/logger.ts'
import type { RaftResult } from '../raft/messages.ts'
import type { Outgoing, RaftInput } from '../raft/raft-io.ts'
import { PeerRequests } from './peer-requests.ts'

const ANSWER: RaftResult = { kind: 'addVoter', error: 'NONE', message: null }
const OUTGOING: Outgoing = {
  requestId: 1,
  to: { host: 'node-2', port: 9093 },
  peerId: 2,
  request: { kind: 'apiVersions' },
}

function peerRequests(send: () => Promise<RaftResult>, step: (input: RaftInput) => void): PeerRequests {
  return new PeerRequests({ channel: { send, close: () => {} }, logger: SILENT, nodeId: 1 }, step)
}

test('what a step throws is no failure of the network: it is told to the caller, and nothing is stepped again', async () => {
  const inputs: string[] = []
  const peers = peerRequests(
    async () => ANSWER,
    ({ kind }) => {
      inputs.push(kind)
      throw new Error('bug: half changed')
    },
  )
  await expect(peers.send(OUTGOING)).rejects.toThrow('bug: half changed')
  expect(inputs).toEqual(['answered'])
})

test('a request that fails is stepped as failed, and whether the other side knows it', async () => {
  const inputs: RaftInput[] = []
  const errors = [new Error('not reached'), new KafkaError('UNSUPPORTED_VERSION', 'Vote')]
  const peers = peerRequests(
    async () => {
      throw errors.shift()!
    },
    (input) => void inputs.push(input),
  )
  await peers.send(OUTGOING)
  await peers.send(OUTGOING)
  expect(inputs).toEqual([
    { kind: 'failed', requestId: 1, unsupported: false },
    { kind: 'failed', requestId: 1, unsupported: true },
  ])
})
