import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Histogram } from './histogram.ts'
import { Meter } from './meter.ts'
import { prometheusText } from './prometheus.ts'
import { mbean, metricName, MetricsRegistry } from './registry.ts'

test('a percentile is never below the true one and at most a sixteenth above it', () => {
  const values = fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(values, fc.constantFrom(0.5, 0.9, 0.99, 1), (recorded, share) => {
      const histogram = new Histogram()
      for (const value of recorded) histogram.record(value)
      const sorted = recorded.toSorted((left, right) => left - right)
      const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0
      const found = histogram.percentile(share)
      expect(found).toBeGreaterThanOrEqual(exact)
      expect(found).toBeLessThanOrEqual(exact + exact / 16 + 1)
      expect(histogram.count).toBe(recorded.length)
      expect(histogram.max).toBe(sorted.at(-1))
    }),
  )
})

test('values at powers of two, beyond 2^31, above 2^53 and below zero have a bucket', () => {
  const histogram = new Histogram()
  const values = [0, -1, NaN, 2 ** 31, 2 ** 32 - 1, 2 ** 52, 2 ** 53 - 1, 2 ** 60, Infinity]
  for (const value of values) histogram.record(value)
  expect(histogram.count).toBe(values.length)
  expect(histogram.percentile(0.3)).toBe(0)
  expect(histogram.percentile(0.5)).toBeLessThan(2 ** 32 + 2 ** 28)
})

test('the averages of a meter approach a steady rate and fade when it stops', () => {
  const meter = new Meter()
  expect(meter.rate(1, 0)).toBe(0)
  for (let second = 1; second <= 120; second++) {
    meter.count += 10
    meter.rate(1, second * 1000)
  }
  expect(meter.rate(1, 120_000)).toBeCloseTo(10, 5)
  expect(meter.meanRate(120_000)).toBeCloseTo(10, 5)
  expect(meter.rate(1, 180_000)).toBeLessThan(4)
  expect(meter.rate(15, 180_000)).toBeGreaterThan(9)
})

test('a metric of one name is made once, and goes with its topic', () => {
  const registry = new MetricsRegistry()
  const name = metricName('kafka.server', 'BrokerTopicMetrics', 'MessagesInPerSec', [['topic', 't']])
  registry.meter(name).count += 2
  registry.meter(name).count += 3
  expect(mbean(name)).toBe('kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,topic=t')
  expect(registry.meter(name).count).toBe(5)
  registry.removeTagged('topic', 't')
  expect([...registry.all()]).toEqual([])
})

test('Prometheus reads names, labels and quantiles', () => {
  const registry = new MetricsRegistry()
  registry.counter(metricName('kafka.server', 'BrokerTopicMetrics', 'BytesInPerSec', [['topic', 'a"b\\c\n']])).count = 7
  registry.gauge(metricName('kafka.server', 'ReplicaManager', 'PartitionCount'), () => 3)
  registry.histogram(metricName('kafka.network', 'RequestMetrics', 'TotalTimeMs', [['request', 'Fetch']])).record(4)
  expect(prometheusText(registry)).toBe(
    [
      '# TYPE kafka_network_requestmetrics_totaltimems summary',
      ...['0.5', '0.75', '0.95', '0.98', '0.99', '0.999'].map(
        (share) => `kafka_network_requestmetrics_totaltimems{request="Fetch",quantile="${share}"} 4`,
      ),
      'kafka_network_requestmetrics_totaltimems_sum{request="Fetch"} 4',
      'kafka_network_requestmetrics_totaltimems_count{request="Fetch"} 1',
      '# TYPE kafka_server_brokertopicmetrics_bytesinpersec_total counter',
      'kafka_server_brokertopicmetrics_bytesinpersec_total{topic="a\\"b\\\\c\\n"} 7',
      '# TYPE kafka_server_replicamanager_partitioncount gauge',
      'kafka_server_replicamanager_partitioncount 3',
      '',
    ].join('\n'),
  )
})
