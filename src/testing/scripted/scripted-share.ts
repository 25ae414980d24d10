/**
 * Share groups behind a ScriptedCluster with ScriptedLogs: every member gets every partition, leaders hand out what nobody has,
 * locks run out, and acknowledgements count only from whoever has the record (KIP-932). Sessions have their numbers.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { clampInt64 } from '../../base/int64.ts'
import type { Uuid } from '../../base/uuid.ts'
import type { Init } from '../../protocol/codec.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { ShareAcknowledge, type ShareAcknowledgeRequest } from '../../protocol/generated/share-acknowledge.ts'
import { ShareFetch, type ShareFetchRequest, type ShareFetchResponse } from '../../protocol/generated/share-fetch.ts'
import { ShareGroupHeartbeat } from '../../protocol/generated/share-group-heartbeat.ts'
import type { World } from '../../world/world.ts'
import type { ScriptedCluster } from './scripted-cluster.ts'
import type { ScriptedLogs } from './scripted-logs.ts'

const NOTHING = Buffer.alloc(0)

interface Share {
  state: 'available' | 'acquired' | 'done'
  member: string
  untilMs: number
  count: number
}

interface Session {
  epoch: number
  readonly places: Map<string, { readonly topic: string; readonly topicId: Uuid; readonly partition: number }>
}

export class ScriptedShare {
  lockMs = 5000
  /** `accept`, `release` … of each offset, in the order in which they counted: `orders-0-5 accept by m`. */
  readonly told: string[] = []
  readonly members = new Map<string, number>()
  readonly #world: World
  readonly #cluster: ScriptedCluster
  readonly #logs: ScriptedLogs
  readonly #shares = new Map<string, Share>()
  readonly #sessions = new Map<string, Session>()

  constructor(world: World, cluster: ScriptedCluster, logs: ScriptedLogs) {
    this.#world = world
    this.#cluster = cluster
    this.#logs = logs
    cluster.on(FindCoordinator, ({ coordinatorKeys }) => ({
      coordinators: coordinatorKeys.map((key) => ({ key, nodeId: 1, host: 'x', port: 1 })),
    }))
    cluster.on(ShareGroupHeartbeat, ({ memberId, memberEpoch }) => {
      if (memberEpoch < 0) {
        this.members.delete(memberId)
        return { memberId, memberEpoch }
      }
      const known = this.members.get(memberId)
      if (memberEpoch > 0 && known !== memberEpoch) return { errorCode: ERROR_CODES.UNKNOWN_MEMBER_ID }
      this.members.set(memberId, known ?? 1)
      const topicPartitions = [...cluster.topics.values()].map(({ id: topicId, leaders }) => ({
        topicId,
        partitions: [...leaders.keys()],
      }))
      const assignment = memberEpoch === 0 ? { topicPartitions } : null
      return { memberId, memberEpoch: known ?? 1, heartbeatIntervalMs: 1000, assignment }
    })
    cluster.on(ShareFetch, (request, { node }) => this.#fetch(request, node))
    cluster.on(ShareAcknowledge, (request, { node }) => {
      const error = this.#session(request, node)
      if (error !== null) return { errorCode: ERROR_CODES[error] }
      const responses = this.#acknowledged(request, node)
      if (request.shareSessionEpoch < 0) this.#release(request.memberId!)
      return { responses }
    })
  }

  /** As if the member's session had run out. */
  expel(memberId: string): void {
    this.members.delete(memberId)
  }

  forgetSessions(): void {
    this.#sessions.clear()
  }

  #session(
    { memberId, shareSessionEpoch: epoch }: ShareFetchRequest | ShareAcknowledgeRequest,
    node: number,
  ): 'SHARE_SESSION_NOT_FOUND' | 'INVALID_SHARE_SESSION_EPOCH' | null {
    const key = `${memberId}@${node}`
    if (epoch === 0) {
      this.#sessions.set(key, { epoch: 1, places: new Map() })
      return null
    }
    const session = this.#sessions.get(key)
    if (session === undefined) return 'SHARE_SESSION_NOT_FOUND'
    if (epoch < 0) {
      this.#sessions.delete(key)
      return null
    }
    if (session.epoch !== epoch) return 'INVALID_SHARE_SESSION_EPOCH'
    session.epoch += 1
    return null
  }

  async #fetch(request: ShareFetchRequest, node: number): Promise<Init<ShareFetchResponse>> {
    const error = this.#session(request, node)
    if (error !== null) return { errorCode: ERROR_CODES[error] }
    const acknowledged = this.#acknowledged(request, node)
    const session = this.#sessions.get(`${request.memberId}@${node}`)!
    for (const { topicId, partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) session.places.delete(`${topicId}-${partition}`)
    }
    for (const { topicId, partitions } of request.topics) {
      for (const { partitionIndex: partition } of partitions) {
        session.places.set(`${topicId}-${partition}`, { topic: this.#topicOf(topicId), topicId, partition })
      }
    }
    const { clock } = this.#world
    const deadlineMs = clock.monotonicMs() + request.maxWaitMs
    for (;;) {
      const responses: Init<ShareFetchResponse.ShareFetchableTopicResponse>[] = []
      for (const { topic, topicId, partition } of session.places.values()) {
        const refused = acknowledged
          .find((one) => one.topicId === topicId)
          ?.partitions.find((one) => one.partitionIndex === partition)
        const acknowledgeErrorCode = refused?.errorCode ?? 0
        if (!this.#cluster.leads(node, topic, partition)) {
          const errorCode = ERROR_CODES.NOT_LEADER_OR_FOLLOWER
          const part = { partitionIndex: partition, errorCode, acknowledgeErrorCode, records: NOTHING }
          responses.push({ topicId, partitions: [part] })
          continue
        }
        const part = this.#acquire(topic, partition, request)
        if (part === null && acknowledgeErrorCode === 0) continue
        const told = { partitionIndex: partition, acknowledgeErrorCode, records: NOTHING, ...part }
        responses.push({ topicId, partitions: [told] })
      }
      if (responses.length > 0 || clock.monotonicMs() >= deadlineMs) {
        return { acquisitionLockTimeoutMs: this.lockMs, responses }
      }
      await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + 50, resolve))
    }
  }

  #acquire(topic: string, partition: number, { memberId, maxRecords }: ShareFetchRequest) {
    const nowMs = this.#world.clock.monotonicMs()
    const { pieces } = this.#logs.log(topic, partition)
    const ranges: { firstOffset: number; lastOffset: number; deliveryCount: number }[] = []
    const bytes: Buffer[] = []
    let taken = 0
    for (const piece of pieces) {
      if (taken >= maxRecords) break
      let isTaken = false
      for (let offset = piece.base; offset < piece.next && taken < maxRecords; offset++) {
        const share = this.#share(`${topic}-${partition}-${offset}`)
        if (share.state === 'done' || (share.state === 'acquired' && share.untilMs > nowMs)) continue
        share.state = 'acquired'
        share.member = memberId!
        share.untilMs = nowMs + this.lockMs
        share.count += 1
        taken++
        isTaken = true
        const last = ranges.at(-1)
        if (last?.lastOffset === offset - 1 && last.deliveryCount === share.count) last.lastOffset = offset
        else ranges.push({ firstOffset: offset, lastOffset: offset, deliveryCount: share.count })
      }
      if (isTaken) bytes.push(piece.bytes)
    }
    return taken === 0 ? null : { records: Buffer.concat(bytes), acquiredRecords: ranges }
  }

  #share(key: string): Share {
    let share = this.#shares.get(key)
    if (share === undefined) {
      share = { state: 'available', member: '', untilMs: 0, count: 0 }
      this.#shares.set(key, share)
    }
    return share
  }

  #acknowledged({ memberId, topics }: ShareFetchRequest | ShareAcknowledgeRequest, node: number) {
    const nowMs = this.#world.clock.monotonicMs()
    return topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex, acknowledgementBatches }) => {
        const topic = this.#topicOf(topicId)
        const isLeader = this.#cluster.leads(node, topic, partitionIndex)
        let errorCode = isLeader || acknowledgementBatches.length === 0 ? 0 : ERROR_CODES.NOT_LEADER_OR_FOLLOWER
        for (const { firstOffset, lastOffset, acknowledgeTypes } of isLeader ? acknowledgementBatches : []) {
          for (let offset = clampInt64(firstOffset); offset <= clampInt64(lastOffset); offset++) {
            const key = `${topic}-${partitionIndex}-${offset}`
            const share = this.#share(key)
            if (share.state !== 'acquired' || share.member !== memberId || share.untilMs <= nowMs) {
              errorCode = ERROR_CODES.INVALID_RECORD_STATE
              continue
            }
            const type = ['gap', 'accept', 'release', 'reject', 'renew'][acknowledgeTypes[0]!]!
            this.told.push(`${key} ${type}`)
            if (type === 'renew') share.untilMs = nowMs + this.lockMs
            else share.state = type === 'release' ? 'available' : 'done'
          }
        }
        return { partitionIndex, errorCode }
      }),
    }))
  }

  #release(memberId: string): void {
    for (const share of this.#shares.values()) {
      if (share.state === 'acquired' && share.member === memberId) share.state = 'available'
    }
  }

  #topicOf(id: Uuid): string {
    for (const [name, topic] of this.#cluster.topics) if (topic.id === id) return name
    return ''
  }
}
