/** For tests of the Admin: scripted brokers and an AdminClient of theirs in a World made from a seed. */
import { expect } from 'vitest'
import { ScriptedCluster, type ScriptedClusterOptions } from '../../testing/scripted/scripted-cluster.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { resolveClientOptions, type ResolvedClientOptions } from '../client-options.ts'
import { AdminClient } from './admin.ts'

export interface AdminSetting {
  readonly world: SeededWorld
  readonly cluster: ScriptedCluster
  readonly admin: AdminClient
  readonly options: ResolvedClientOptions
}

export async function withAdmin(
  options: ScriptedClusterOptions,
  task: (setting: AdminSetting) => Promise<void>,
  clientOptions: Partial<ResolvedClientOptions> = {},
): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, options)
    const resolved = { ...resolveClientOptions({ brokers: cluster.bootstrap }), ...clientOptions }
    const admin = new AdminClient(world, resolved)
    await task({ world, cluster, admin, options: resolved })
    await admin.close()
    await cluster.close()
    expect(cluster.unexpected).toEqual([])
  })
}
