import { expect, test } from 'vitest'
import { SeededWorld } from '../testing/seeded-world.ts'
import { connectionOptions } from '../testing/test-connection.ts'
import type { Socket } from '../world/world.ts'
import { BrokerConnection } from './broker-connection.ts'

/** Accepts, and answers nothing. */
async function silentServer(world: SeededWorld): Promise<{ readonly closed: () => number }> {
  let closed = 0
  const accept = (socket: Socket): void => {
    const room = Buffer.alloc(1024)
    socket.start({ room: () => room, received() {}, ended: () => socket.end(), closed: () => (closed += 1) })
  }
  await world.node('n1').world.network.listen({ host: '', port: 9092, backlog: 10 }, accept)
  return { closed: () => closed }
}

const ADDRESS = { host: 'n1', port: 9092 }

test('an attempt has its time, and its connection ends with it', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const server = await silentServer(world)
    const client = world.node('client').world
    const startedMs = world.clock.monotonicMs()
    const attempt = BrokerConnection.open(ADDRESS, connectionOptions(client))
    await expect(attempt).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
      message: expect.stringContaining('in 1000 ms'),
    })
    expect(world.clock.monotonicMs() - startedMs).toBeCloseTo(1000, 0)
    await world.advance(2000)
    expect(server.closed()).toBe(1)
  })
})

test.each([0, 100])(
  'an attempt that is given up after %i ms ends at once, and its connection with it',
  async (afterMs) => {
    const world = new SeededWorld(2)
    await world.run(async () => {
      const server = await silentServer(world)
      const client = world.node('client').world
      const given = new AbortController()
      const attempt = BrokerConnection.open(ADDRESS, connectionOptions(client), given.signal)
      const refused = expect(attempt).rejects.toThrow('no longer wanted')
      if (afterMs > 0) await world.advance(afterMs)
      const abortedMs = world.clock.monotonicMs()
      given.abort(new Error('no longer wanted'))
      await refused
      expect(world.clock.monotonicMs()).toBe(abortedMs)
      await expect(BrokerConnection.open(ADDRESS, connectionOptions(client), given.signal)).rejects.toThrow('wanted')
      await world.advance(2000)
      expect(server.closed()).toBe(1)
    })
  },
)
