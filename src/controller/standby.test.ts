/** A controller of several, on a log that others write too: what it keeps of it, elected or not. */
import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import { brokerValues } from '../config/parse-broker-config.ts'
import { bootstrapRecords } from '../metadata/bootstrap.ts'
import { decodeMetadataRecord, encodeMetadataRecord, metadataRecord } from '../metadata/metadata-records.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { TableConfigRules } from './config-rules.ts'
import { Controller } from './controller.ts'
import type { LogContent, MetadataLog } from './metadata-log.ts'

const LEVEL = 25
const INCARNATION = 'cccccccccccccccccccccA' as Uuid

const PROPERTIES = new Map([
  ['process.roles', 'controller'],
  ['node.id', '1'],
  ['controller.listener.names', 'CONTROLLER'],
])

/** The log as one of several voters has it; a test says what the quorum does. */
class ScriptedLog implements MetadataLog {
  readonly nodeId = 1
  readonly kraftVersion = 1
  readonly voters = []
  readonly replicas = { voters: [], observers: [] }
  readonly isAlone = false
  readonly snapshotDue = false
  epoch = 0
  endOffset = 0
  committedEnd = 0
  leaderCommittedEnd: number | null = null
  isLeader = false
  /** Appended while leading, and not committed. */
  appended: MetadataRecord[] = []
  readonly #content: LogContent
  #tellCommitted = (_end: number): void => {}
  #tellRole = (): void => {}

  constructor(content: LogContent) {
    this.#content = content
  }

  get isReadyToLead(): boolean {
    return this.isLeader
  }

  append(values: readonly Buffer[]): number {
    this.appended.push(...values.map(decodeMetadataRecord))
    this.endOffset += values.length
    return this.endOffset - 1
  }

  onCommitted(listener: (committedEnd: number) => void): void {
    this.#tellCommitted = listener
  }

  onRoleChanged(listener: () => void): void {
    this.#tellRole = listener
  }

  /** Another leader has had records committed; none: the entry that its epoch begins with. */
  follow(...records: readonly MetadataRecord[]): void {
    this.epoch += 1
    if (records.length > 0) {
      const values = records.map((record) => ({ value: encodeMetadataRecord(record) }))
      const batch = { baseOffset: this.endOffset, epoch: this.epoch, timestampMs: 5, records: values }
      this.#content.batch(buildBatch(batch), 0)
    }
    this.#commitTo(this.endOffset + Math.max(records.length, 1))
  }

  /** Returns what the controller writes first. */
  elect(): readonly string[] {
    this.epoch += 1
    this.isLeader = true
    this.#commitTo(this.endOffset + 1)
    return this.appended.map(({ type }) => type)
  }

  /** What it appended is committed, or cut by the next leader. */
  loseLead(isCommitted: boolean): void {
    if (isCommitted) this.#commitTo(this.endOffset)
    this.endOffset = this.committedEnd
    this.appended = []
    this.isLeader = false
    this.#tellRole()
  }

  #commitTo(end: number): void {
    this.endOffset = end
    this.committedEnd = end
    this.#tellCommitted(end)
  }

  onFailed(): void {}
  takeOver(): void {}
  start(): void {}
  upgradeKraftVersion(): void {}
  kraftVersionObstacle(): string | null {
    return null
  }
  async changeVoters(): Promise<{ readonly error: 'NONE'; readonly message: null }> {
    return { error: 'NONE', message: null }
  }
  async lead(): Promise<void> {}
  async writeSnapshot(): Promise<void> {}
  async cleanSnapshots(): Promise<void> {}
  async close(): Promise<void> {}
}

async function start(): Promise<{ readonly controller: Controller; readonly log: ScriptedLog }> {
  const { clock, random } = new SeededWorld(1)
  let log: ScriptedLog | null = null
  const controller = await Controller.start({
    clock,
    random,
    logger: SILENT,
    settings: {
      clusterId: 'test-cluster-0000000000',
      defaultPartitions: 1,
      defaultReplicationFactor: 1,
      deleteTopicEnable: true,
      brokerSessionTimeoutMs: 9000,
      maxIdleIntervalMs: 0,
      imbalanceCheckIntervalMs: 0,
      staticVoterIds: [],
      uncleanElectionIntervalMs: 0,
    },
    rules: new TableConfigRules({ nodeId: 1, values: brokerValues(PROPERTIES), isSet: () => false }),
    mutationQuotas: { quotaFor: () => null },
    registration: { incarnationId: INCARNATION, listeners: [] },
    broker: null,
    openLog: async (content: LogContent) => (log = new ScriptedLog(content)),
    bootstrap: bootstrapRecords(LEVEL),
  })
  return { controller, log: log! }
}

const level = metadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: LEVEL })
const topic = (name: string, topicId: string): MetadataRecord =>
  metadataRecord('TopicRecord', 0, { name, topicId: topicId as Uuid })
const held = topic('held', 'hhhhhhhhhhhhhhhhhhhhhA')
const after = topic('after', 'aaaaaaaaaaaaaaaaaaaaaA')
const begin = metadataRecord('BeginTransactionRecord', 0, { name: 'x' })
const end = metadataRecord('EndTransactionRecord', 0, {})
const abort = metadataRecord('AbortTransactionRecord', 0, { reason: 'x' })
const namesOf = ({ image }: Controller): string[] => [...image.topics.all()].map(({ name }) => name)

test('an empty log whose bootstrap records were cut is empty still: who is elected again writes them', async () => {
  const { controller, log } = await start()
  expect(log.elect()).toContain('FeatureLevelRecord')
  log.loseLead(false)
  log.follow()
  expect(log.elect()).toContain('FeatureLevelRecord')
  log.loseLead(true)
  expect(controller.image.features.metadataVersion).toBe(LEVEL)
  expect(log.elect()).not.toContain('FeatureLevelRecord')
})

test('a transaction whose abort was cut is open still: the next leader may abort it, or end it', async () => {
  for (const isEnded of [false, true]) {
    const { controller, log } = await start()
    log.follow(level)
    log.follow(begin, held)
    expect(log.elect()).toContain('AbortTransactionRecord')
    log.loseLead(false)
    log.follow(isEnded ? end : abort, after)
    expect(namesOf(controller)).toEqual(isEnded ? ['held', 'after'] : ['after'])
  }
})

test('a transaction whose abort was cut is aborted by who is elected again, and once its abort is committed no more', async () => {
  const { controller, log } = await start()
  log.follow(level)
  log.follow(begin, held)
  log.elect()
  log.loseLead(false)
  log.follow()
  expect(log.elect()).toContain('AbortTransactionRecord')
  log.loseLead(true)
  log.follow(after)
  expect(namesOf(controller)).toEqual(['after'])
  expect(log.elect()).not.toContain('AbortTransactionRecord')
})

test('what a log begins with is written anew where its transaction was never ended', async () => {
  const { controller, log } = await start()
  log.follow(begin, level)
  expect(log.elect().slice(0, 3)).toEqual(['AbortTransactionRecord', 'BeginTransactionRecord', 'FeatureLevelRecord'])
  log.loseLead(false)
  log.follow(abort)
  expect(log.elect().slice(0, 2)).toEqual(['BeginTransactionRecord', 'FeatureLevelRecord'])
  log.loseLead(true)
  expect(controller.image.features.metadataVersion).toBe(LEVEL)
  log.follow(begin, held)
  expect(log.elect()).not.toContain('FeatureLevelRecord')
})
