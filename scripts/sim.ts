/**
 * `npm run sim -- --seed=N --seeds=K [--quick]`: whole clusters of five nodes with the real client library, under crashes, power
 * losses, pauses, broken disks and networks and rolling restarts, each run drawn from its number. See run-seeds.ts.
 */
import { COUNTERS } from '../src/testing/cluster/counters.ts'
import { simulateCluster } from '../src/testing/cluster/simulate-cluster.ts'
import { runSeeds } from './run-seeds.ts'

await runSeeds({ name: 'sim', counters: COUNTERS, simulate: simulateCluster })
