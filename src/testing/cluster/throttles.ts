/**
 * An operator who bounds what replicas copy a second (KIP-73), and takes the bound away again: by the rate or by the list of
 * replicas, either of which must be enough. Whoever fell behind must catch up then.
 */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { clientOf, expectedError } from './clients.ts'
import type { ClusterSim } from './cluster-sim.ts'

const SIDES = ['leader', 'follower'] as const
/** What was asked before all was mended, and not answered, may come true until then. */
const LATE_MS_MAX = 4000

export async function throttle(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const kafka = clientOf(sim, 'operator-of-throttles')
  const admin = kafka.admin()
  while (sim.healedAtMs === null) {
    await sim.sleep(random.between(500, 4000))
    await attempt(sim, () => bound(sim, admin, random.between(1, 100)))
    const untilMs = sim.nowMs + random.between(1000, 6000)
    while (sim.nowMs < untilMs) {
      await sim.sleep(100)
      const isHeld = sim.brokers.some(({ inside }) => inside?.services.replicationQuota.bytes.isExceeded === true)
      if (isHeld) sim.sometimes('replication held back')
    }
    await lift(sim, admin, random)
  }
  await sim.sleep(LATE_MS_MAX)
  await lift(sim, admin, random)
  await kafka.close()
}

async function bound(sim: ClusterSim, admin: AdminClient, rate: number): Promise<void> {
  sim.note('operator', `replicas copy ${rate} bytes a second`)
  await alter(sim, admin, { rate: String(rate), replicas: '*' })
  sim.sometimes('replication throttled')
}

async function lift(sim: ClusterSim, admin: AdminClient, random: SeededRandom): Promise<void> {
  const byRate = random.chance(0.6)
  sim.note('operator', `replicas copy what they like: without the ${byRate ? 'rate' : 'list'}`)
  while (!(await attempt(sim, () => alter(sim, admin, byRate ? { rate: null } : { replicas: null }))))
    await sim.sleep(500)
}

/** Null: as if it had never been set. */
async function alter(
  sim: ClusterSim,
  admin: AdminClient,
  { rate, replicas }: { readonly rate?: string | null; readonly replicas?: string | null },
): Promise<void> {
  const operation = (name: string, value: string | null) =>
    value === null ? ({ name, operation: 'DELETE' } as const) : ({ name, value } as const)
  const topics = sim.settings.topics.map(({ name }) => ({ type: 'TOPIC', name }) as const)
  const changes = [
    ...(replicas === undefined
      ? []
      : topics.map((resource) => ({
          resource,
          operations: SIDES.map((side) => operation(`${side}.replication.throttled.replicas`, replicas)),
        }))),
    ...(rate === undefined
      ? []
      : [
          {
            resource: { type: 'BROKER', name: '' } as const,
            operations: SIDES.map((side) => operation(`${side}.replication.throttled.rate`, rate)),
          },
        ]),
  ]
  for (const [, outcome] of await admin.incrementalAlterConfigs(changes)) if (outcome instanceof Error) throw outcome
}

async function attempt(sim: ClusterSim, work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    sim.note('operator', `throttles: ${expectedError(sim, error)}`)
    return false
  }
}
