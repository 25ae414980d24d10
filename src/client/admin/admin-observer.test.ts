import { expect, test } from 'vitest'
import { DescribeCluster } from '../../protocol/generated/describe-cluster.ts'
import { HANG_UP } from '../../testing/scripted/scripted-cluster.ts'
import { withAdmin } from './test-admin.ts'

test('requests are counted and told: what was answered, by whom, how long it took, and what got no answer', async () => {
  const heard: unknown[] = []
  const events = (name: string) => ({
    hasSubscribers: name === 'klamm:admin:request',
    publish: (message: unknown) => heard.push(message),
  })
  await withAdmin(
    { nodes: 1 },
    async ({ cluster, admin }) => {
      cluster.on(DescribeCluster, () => ({
        clusterId: 'scripted',
        controllerId: 1,
        brokers: [{ brokerId: 1, host: '127.0.0.1', port: 1 }],
        throttleTimeMs: 20,
      }))
      cluster.once(DescribeCluster, () => HANG_UP)
      await admin.describeCluster()
      const counted = new Map<string, number>()
      for (const metric of admin.metrics.all()) {
        const { name } = metric.name
        if (metric.kind === 'counter') counted.set(name, metric.counter.count)
        else if (metric.kind === 'gauge') counted.set(name, metric.read())
        else if (metric.kind === 'histogram') counted.set(name, metric.histogram.count)
      }
      expect(Object.fromEntries(counted)).toEqual({
        'request-total': 2,
        'response-total': 1,
        'request-error-total': 1,
        'request-latency': 1,
        'throttle-time': 1,
        'requests-in-flight': 0,
      })
    },
    { events, clientId: 'me' },
  )
  const told = { clientId: 'me', api: 'DescribeCluster', node: null }
  expect(heard).toMatchObject([
    { ...told, throttleTimeMs: 0, error: { code: 'NETWORK_FAILED' } },
    { ...told, throttleTimeMs: 20, error: null },
  ])
})
