/** What both servers need before the first step, and what is put back after each scenario. */
import type { Json } from '../../src/protocol/json.ts'
import { sleep } from './server.ts'
import { settingsAgree } from './settings.ts'
import type { Side } from './side.ts'

export type Served = ReadonlyMap<number, { readonly low: number; readonly high: number }>

const READY_MS_MAX = 240_000
/** 4.x lists Produce 0-2 for old clients that would stop otherwise, and closes the connection on them. */
const PRODUCE_REALLY_FROM = 3
const BROKER_KEYS = [
  'log.retention.bytes',
  'log.cleaner.io.buffer.size',
  'log.flush.interval.messages',
  'my.own.key',
  'num.io.threads',
]

/** Until groups are coordinated and producer ids are there: Kafka asks to be asked again at first. */
export async function prepare(side: Side): Promise<void> {
  const end = performance.now() + READY_MS_MAX
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
    for (;;) {
      const found = await side.ask(10, 2, { key, keyType: 0 })
      const answered =
        found['errorCode'] === 0 ? await side.ask(12, 2, { groupId: key, generationId: 1, memberId: 'x' }) : null
      // UNKNOWN_MEMBER_ID says that somebody looked.
      if (answered?.['errorCode'] === 25) break
      if (performance.now() > end) throw new Error('groups are not coordinated')
      await sleep(100)
    }
  }
  for (;;) {
    const { errorCode } = await side.ask(22, 1, { transactionalId: null, transactionTimeoutMs: 60_000 })
    if (errorCode === 0) break
    if (performance.now() > end) throw new Error('no producer ids')
    await sleep(100)
  }
  for (const transactionalId of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
    for (;;) {
      const found = await side.ask(10, 2, { key: transactionalId, keyType: 1 })
      const given =
        found['errorCode'] === 0 ? await side.ask(22, 1, { transactionalId, transactionTimeoutMs: 60_000 }) : null
      if (given?.['errorCode'] === 0) break
      if (performance.now() > end) throw new Error('transactions are not coordinated')
      await sleep(100)
    }
  }
}

export async function servedVersions(side: Side): Promise<Served> {
  const { apiKeys } = await side.ask(18, 0, {})
  const served = new Map<number, { low: number; high: number }>()
  for (const entry of list(apiKeys)) {
    const { apiKey, minVersion, maxVersion } = Object(entry) as Record<string, Json>
    if (typeof apiKey !== 'number' || typeof minVersion !== 'number' || typeof maxVersion !== 'number') continue
    served.set(apiKey, { low: minVersion, high: maxVersion })
  }
  const produce = served.get(0)
  const metadata = served.get(32)
  // DescribeConfigs 0 is what 4.x dropped together with old produce: who has it has that too.
  if (produce !== undefined && metadata !== undefined && metadata.low > 0) {
    served.set(0, { low: PRODUCE_REALLY_FROM, high: produce.high })
  }
  return served
}

/** Topics of the scenario go, broker settings go back to what the file says. */
export async function resetAfter(kafka: Side, klamm: Side, prefix: string): Promise<void> {
  for (const side of [kafka, klamm]) {
    const topics = list(await side.topics()).flatMap((topic) => {
      const { name } = Object(topic) as Record<string, Json>
      return typeof name === 'string' && name.startsWith(prefix) ? [name] : []
    })
    if (topics.length > 0) await side.ask(20, 3, { topicNames: topics, timeoutMs: 30_000 })
    await side.ask(44, 0, {
      resources: ['', '1'].map((resourceName) => ({
        resourceType: 4,
        resourceName,
        configs: BROKER_KEYS.map((name) => ({ name, configOperation: 1, value: null })),
      })),
      validateOnly: false,
    })
  }
  await settingsAgree(kafka, klamm)
}

function list(json: Json | undefined): readonly Json[] {
  return Array.isArray(json) ? json : []
}
