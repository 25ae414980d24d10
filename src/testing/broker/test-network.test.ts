import { expect, test } from 'vitest'
import { OperationalError } from '../../base/errors.ts'
import type { Listener, Network } from '../../world/world.ts'
import { ManualClock } from '../manual-clock.ts'
import { TestNetwork } from './test-network.ts'
import { TestProcess } from './test-process.ts'

/** Gives port 5 to whoever asks for any, and for a while to somebody else. */
class OnePort {
  takenFor = 0
  asked = 0

  readonly network: Network = {
    listen: async ({ host, port }): Promise<Listener> => {
      this.asked++
      if (this.takenFor-- > 0) throw new OperationalError('ADDRESS_IN_USE', `port ${port}`)
      return { host, port: 5, close: async () => {} }
    },
    connect: () => Promise.reject(new Error('nobody connects')),
  }
}

test('a port that the broker had is waited for, another is not', async () => {
  const one = new OnePort()
  const network = new TestNetwork(one.network)
  const listen = (port: number) =>
    network.of(new TestProcess(), new ManualClock()).listen({ host: 'h', port, backlog: 1 }, () => {})
  one.takenFor = 1
  await expect(listen(5)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  expect((await listen(0)).port).toBe(5)
  await network.ended()
  one.takenFor = 2
  one.asked = 0
  expect((await listen(5)).port).toBe(5)
  expect(one.asked).toBe(3)
})
