/** The clients of a simulated cluster: the real library on machines of their own, and which errors it may throw. */
import { KafkaError } from '../../base/errors.ts'
import { ClientError } from '../../client/errors.ts'
import { KlammClient } from '../../client/klamm.ts'
import type { ClusterSim } from './cluster-sim.ts'

const TIMES = { requestTimeoutMs: 3000, connectTimeoutMs: 1000, callTimeoutMs: 20_000 }

export function clientOf(sim: ClusterSim, machine: string): KlammClient {
  return new KlammClient(sim.world.node(machine).world, { brokers: sim.bootstrap, ...TIMES })
}

export function clientOfControllers(sim: ClusterSim, machine: string): KlammClient {
  return new KlammClient(sim.world.node(machine).world, { controllers: sim.bootstrapControllers, ...TIMES })
}

/** Anything else that a client throws is a bug. */
export function expectedError(sim: ClusterSim, error: unknown): string {
  if (error instanceof KafkaError || error instanceof ClientError) return error.code
  sim.fail(error)
  throw error
}
