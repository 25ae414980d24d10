/** At rest: each group's offsets are what was acknowledged last. */
import { OffsetFetch } from '../../../protocol/generated/offset-fetch.ts'
import type { Sim } from '../sim.ts'
import { SimClient } from '../sim-client.ts'

export async function checkCommittedOffsets(sim: Sim): Promise<void> {
  const client = new SimClient(sim, 'observer', 'offset-reader', 60_000)
  for (const { group, partition } of sim.groups.entries()) {
    const at = partition.lastIndexOf('-')
    const topics = [{ name: partition.slice(0, at), partitionIndexes: [Number(partition.slice(at + 1))] }]
    const judge = sim.groups.expected(group, partition)
    const answer = await client.request(OffsetFetch, 7, { groupId: group, topics })
    const found = answer.topics[0]?.partitions[0]
    sim.check(
      answer.errorCode === 0 && found?.errorCode === 0,
      () => `offsets of ${group} are not served after healing: ${answer.errorCode}`,
    )
    judge(Number(found.committedOffset))
  }
  client.close()
}
