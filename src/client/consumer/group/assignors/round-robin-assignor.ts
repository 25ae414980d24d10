/** `roundrobin`: all partitions of all topics in order, one each to the members in turn who subscribe to its topic. */
import type { TopicPartition } from '../../topic-partition.ts'
import type { AssignableTopics, MemberAssignment, PartitionAssignor, Subscriptions } from './assignor.ts'
import { compareStrings, inMemberOrder } from './member-order.ts'

export const roundRobinAssignor: PartitionAssignor = {
  name: 'roundrobin',
  isCooperative: false,
  assign(topics: AssignableTopics, members: Subscriptions): ReadonlyMap<string, MemberAssignment> {
    const assigned = new Map<string, TopicPartition[]>([...members.keys()].map((id) => [id, []]))
    const order = inMemberOrder(members)
    const subscribed = new Set([...members.values()].flatMap((member) => member.topics))
    let turn = 0
    for (const topic of [...subscribed].toSorted(compareStrings)) {
      for (const { partition } of topics.get(topic) ?? []) {
        while (!members.get(order[turn]!)!.topics.includes(topic)) turn = (turn + 1) % order.length
        assigned.get(order[turn]!)!.push({ topic, partition })
        turn = (turn + 1) % order.length
      }
    }
    return new Map([...assigned].map(([id, partitions]) => [id, { partitions }]))
  },
}
