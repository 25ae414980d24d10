/** Consumers of a scripted cluster: made as a test wants them, closed behind it, with nothing asked that was not scripted. */
import { expect } from 'vitest'
import { resolveClientOptions, type ClientOptions } from '../../client/client-options.ts'
import { Consumer } from '../../client/consumer/consumer.ts'
import type { ConsumerOptions } from '../../client/consumer/consumer-options.ts'
import { string } from '../../client/serde.ts'
import { SeededWorld } from '../seeded-world.ts'
import { ScriptedCluster, type ScriptedClusterOptions } from './scripted-cluster.ts'
import { ScriptedLogs } from './scripted-logs.ts'

export interface ConsumerSetting {
  readonly world: SeededWorld
  readonly cluster: ScriptedCluster
  readonly logs: ScriptedLogs
  consumer(options?: ConsumerOptions<string, string> & Partial<ClientOptions>): Consumer<string, string>
}

export async function withConsumers(
  options: ScriptedClusterOptions,
  task: (setting: ConsumerSetting) => Promise<void>,
  seed = 1,
): Promise<void> {
  const world = new SeededWorld(seed)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, options)
    const logs = new ScriptedLogs(world, cluster)
    const made: Consumer<string, string>[] = []
    const consumer: ConsumerSetting['consumer'] = (own = {}) => {
      const client = resolveClientOptions({ brokers: cluster.bootstrap, ...own })
      const defaults = { key: string(), value: string(), offsetReset: 'earliest' }
      const one = new Consumer<string, string>(world, { ...client, ...defaults, ...own } as never)
      made.push(one)
      return one
    }
    await task({ world, cluster, logs, consumer })
    for (const one of made) await one.close()
    await cluster.close()
    expect(cluster.unexpected).toEqual([])
  })
}

/** Offsets of the next `count` records, each of which says where it stands. */
export async function take(consumer: Consumer<string, string>, count: number): Promise<number[]> {
  const offsets: number[] = []
  for await (const { topic, partition, offset, value } of consumer.records()) {
    expect(value).toBe(`${topic}-${partition}-${offset}`)
    if (offsets.push(offset) === count) break
  }
  return offsets
}
