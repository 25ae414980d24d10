/**
 * The work of a classic group's leader: who gets which partitions, by the assignor that the coordinator chose. It remembers what
 * the assignment was based on, so that the leader knows when topics have changed since.
 */
import type { JoinGroupResponse } from '../../../protocol/generated/join-group.ts'
import type { NetworkClient } from '../../network-client.ts'
import type { AssignablePartition, PartitionAssignor } from './assignors/assignor.ts'
import type { MemberHost } from './membership.ts'
import { readSubscription, writeAssignment } from './subscription-codec.ts'

export class LeaderAssignment {
  readonly #network: NetworkClient
  readonly #host: MemberHost
  #basis: { readonly topics: ReadonlySet<string>; readonly seen: string } | null = null

  constructor(network: NetworkClient, host: MemberHost) {
    this.#network = network
    this.#host = host
  }

  /** Topics of the group are others than when this member assigned them. False for who did not. */
  get isOutdated(): boolean {
    return this.#basis !== null && this.#seen(this.#basis.topics) !== this.#basis.seen
  }

  /** Another generation begins, and perhaps another member leads it. */
  forget(): void {
    this.#basis = null
  }

  async assign(
    assignor: PartitionAssignor,
    members: readonly JoinGroupResponse.JoinGroupResponseMember[],
  ): Promise<{ memberId: string; assignment: Buffer }[]> {
    const subscriptions = new Map(
      members.map(({ memberId, metadata, groupInstanceId }) => [memberId, readSubscription(metadata, groupInstanceId)]),
    )
    const topics = new Set([...subscriptions.values()].flatMap((subscription) => subscription.topics))
    this.#host.watch(topics)
    const { metadata } = this.#network
    if ([...topics].some((topic) => metadata.topic(topic) === null)) await this.#network.refresh()
    const partitions = new Map<string, AssignablePartition[]>()
    for (const topic of topics) {
      const known = metadata.topic(topic)
      if (known === null) continue
      const rackOf = (id: number): string | null => metadata.nodes.get(id)?.rack ?? null
      partitions.set(
        topic,
        known.partitions.map(({ partition, replicas }) => ({ topic, partition, racks: replicas.map(rackOf) })),
      )
    }
    this.#basis = { topics, seen: this.#seen(topics) }
    const assigned = await assignor.assign(partitions, subscriptions)
    return members.map(({ memberId }) => ({
      memberId,
      assignment: writeAssignment(assigned.get(memberId) ?? { partitions: [] }),
    }))
  }

  #seen(topics: ReadonlySet<string>): string {
    return [...topics]
      .toSorted()
      .map((topic) => `${topic}:${this.#network.metadata.topic(topic)?.partitions.length ?? 0}`)
      .join('\n')
  }
}
