/** Dynamic settings as the two servers tell them: Kafka's broker hears of a change a moment after its controller has answered. */
import type { Json } from '../../src/protocol/json.ts'
import { sleep } from './server.ts'
import type { Side } from './side.ts'

const DESCRIBE_CONFIGS = 32
const RESOURCE = { TOPIC: 2, BROKER: 4 } as const
/** Sources of settings that somebody made: of a topic, of a broker, of all brokers. */
const DYNAMIC = new Set([1, 2, 3])
const BROKERS = ['', '1']
/** A difference that stays is found by who compares answers. */
const AGREE_MS_MAX = 2500
/** What a broker tells of itself it obeys a moment later. */
const OBEY_MS = 80

/** Until both tell the same of the scenario's topics and of the broker. */
export async function settingsAgree(kafka: Side, klamm: Side): Promise<void> {
  const end = performance.now() + AGREE_MS_MAX
  for (;;) {
    const [theirs, ours] = await Promise.all([dynamicSettings(kafka), dynamicSettings(klamm)])
    if (theirs === ours || performance.now() > end) break
    await sleep(15)
  }
  await sleep(OBEY_MS)
}

async function dynamicSettings(side: Side): Promise<string> {
  const topics = entriesOf(await side.topics()).map(({ name }) => ({ type: RESOURCE.TOPIC, name: String(name) }))
  const brokers = BROKERS.map((name) => ({ type: RESOURCE.BROKER, name }))
  const { results } = await side.ask(DESCRIBE_CONFIGS, 1, {
    resources: [...topics, ...brokers].map(({ type, name }) => ({
      resourceType: type,
      resourceName: name,
      configurationKeys: null,
    })),
    includeSynonyms: false,
  })
  const lines = entriesOf(results).flatMap(({ resourceName, configs }) =>
    entriesOf(configs).flatMap(({ name, value, configSource }) =>
      DYNAMIC.has(Number(configSource)) ? [`${String(resourceName)} ${String(name)}=${String(value)}`] : [],
    ),
  )
  return lines.sort().join('\n')
}

function entriesOf(list: Json | undefined): readonly Record<string, Json>[] {
  return Array.isArray(list) ? list.map((entry: Json) => Object(entry) as Record<string, Json>) : []
}
