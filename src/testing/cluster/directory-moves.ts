/** An operator who moves replicas between the log directories of their brokers (KIP-113), whatever goes wrong meanwhile. */
import type { SeededRandom } from '../seeded-random.ts'
import { clientOf, expectedError } from './clients.ts'
import type { ClusterSim } from './cluster-sim.ts'

export async function moveReplicas(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const kafka = clientOf(sim, 'operator-of-directories')
  const admin = kafka.admin()
  while (!sim.stopping) {
    await sim.sleep(random.between(300, 3000))
    const { topic, partition } = sim.partitions[random.below(sim.partitions.length)]!
    const replicas = sim.assignment(topic, partition)?.replicas ?? []
    const brokerId = replicas[random.below(Math.max(1, replicas.length))]
    const logDir = sim.settings.logDirectories[random.below(sim.settings.logDirectories.length)]
    if (sim.healedAtMs !== null || brokerId === undefined || logDir === undefined) continue
    const place = sim.places.of(topic, partition, brokerId)
    place.directory = null
    sim.note('operator', `${topic}-${partition} of ${brokerId} goes to ${logDir}`)
    try {
      const outcomes = await admin.alterReplicaLogDirs([{ topic, partition, brokerId, logDir }])
      const [, outcome] = [...outcomes][0] ?? []
      if (outcome instanceof Error) sim.note('operator', expectedError(sim, outcome))
      else place.directory = logDir
    } catch (error) {
      sim.note('operator', expectedError(sim, error))
    }
  }
  await kafka.close()
}
