/** When what two controllers say, write and hold is the same, and the one difference of partitions that is meant. */
import type { PartitionImage } from '../../../src/metadata/topics-image.ts'

export const isSame = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right)

/** Kafka names replicas that a completed reassignment has removed, too. See docs/DEPARTURES.md. */
export const withoutRemovedEligible = (partition: PartitionImage): PartitionImage => ({
  ...partition,
  elr: partition.elr.filter((id) => partition.replicas.includes(id)),
})

export const sameButEligible = ({ kafka, klamm }: { kafka: string[]; klamm: string[] }): [string[], string[]] => {
  const without = (line: string): string => line.replace(/"eligibleLeaderReplicas":(null|\[[\d,]*\])/, '')
  return [kafka.map(without), klamm.map(without)]
}

/** Every error code and sentence of an answer, in its order. */
export function errorsOf(answer: unknown): unknown[] {
  if (Array.isArray(answer)) return answer.flatMap(errorsOf)
  if (typeof answer !== 'object' || answer === null) return []
  return Object.entries(answer).flatMap(([key, value]): unknown[] =>
    key === 'errorCode' || key === 'errorMessage' ? [value] : errorsOf(value),
  )
}
