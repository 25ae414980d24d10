import { CONFIG_SOURCE } from './config-codes.ts'
import { expect, test } from 'vitest'
import { describeTopic, type BrokerSources } from './describe.ts'
import { parseBrokerConfig } from './parse-broker-config.ts'

function sources(): BrokerSources {
  const { config } = parseBrokerConfig(
    new Map([
      ['process.roles', 'broker,controller'],
      ['node.id', '1'],
      ['listeners', 'PLAINTEXT://:9092,CONTROLLER://:9093'],
      ['controller.listener.names', 'CONTROLLER'],
      ['controller.quorum.voters', '1@localhost:9093'],
      ['log.retention.hours', '5'],
    ]),
  )
  return { base: config, effective: config, dynamic: { perBroker: new Map(), clusterDefault: new Map() } }
}

test('topics share the rows of what they do not override', () => {
  const broker = sources()
  const plain = describeTopic(broker, new Map())
  expect(describeTopic(broker, new Map())).toBe(plain)
  const special = describeTopic(broker, new Map([['retention.ms', '7']]))
  expect(special.map(({ name }) => name)).toEqual(plain.map(({ name }) => name))
  for (const [at, entry] of special.entries()) {
    if (entry.name !== 'retention.ms') expect(entry).toBe(plain[at])
    else {
      expect(entry).toMatchObject({ value: '7', source: CONFIG_SOURCE.DYNAMIC_TOPIC_CONFIG })
      expect(entry.synonyms.slice(1)).toEqual(plain[at]?.synonyms)
    }
  }
  expect(describeTopic(sources(), new Map())).not.toBe(plain)
})
