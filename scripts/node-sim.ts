/**
 * `npm run sim:node -- --seed=N --seeds=K [--quick]`: one broker with hand-written clients under crashes, power losses and broken
 * disks and networks, each run drawn from its number. See run-seeds.ts.
 */
import { COUNTERS } from '../src/testing/sim/counters.ts'
import { simulate } from '../src/testing/sim/simulate.ts'
import { runSeeds } from './run-seeds.ts'

await runSeeds({ name: 'sim:node', counters: COUNTERS, simulate })
