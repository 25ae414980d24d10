/** One seed of the cluster; `npm run sim -- --seeds=1000` runs more. */
import { expect, test } from 'vitest'
import { simulateCluster } from './simulate-cluster.ts'

test('a cluster under faults loses nothing, doubles nothing and comes to rest', async () => {
  const { error } = await simulateCluster(1, { quick: true })
  expect(error, 'npm run sim -- --seed=1 --quick').toBe(null)
})
