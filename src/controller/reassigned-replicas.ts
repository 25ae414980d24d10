/**
 * The replica lists of a partition that is being moved (KIP-455): first the wanted ones in the wanted order, behind them those that
 * are to go; until the ones that come are in sync both serve.
 */
import type { PartitionImage } from '../metadata/topics-image.ts'

export interface ReassignedReplicas {
  readonly replicas: readonly number[]
  readonly adding: readonly number[]
  readonly removing: readonly number[]
}

export function reassignedReplicas(current: readonly number[], wanted: readonly number[]): ReassignedReplicas {
  const removing = sortedDifference(current, wanted)
  return { replicas: [...wanted, ...removing], adding: sortedDifference(wanted, current), removing }
}

export interface RevertedReplicas {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** Nobody who stays is in sync: whoever leads may lack records. */
  readonly isUnclean: boolean
}

/** As it was before the reassignment began; null if nothing would be left. */
export function revertedReplicas({ replicas, isr, addingReplicas }: PartitionImage): RevertedReplicas | null {
  const left = replicas.filter((id) => !addingReplicas.includes(id))
  const [first] = left
  if (first === undefined) return null
  const inSync = isr.filter((id) => !addingReplicas.includes(id))
  return inSync.length > 0
    ? { replicas: left, isr: inSync, isUnclean: false }
    : { replicas: left, isr: [first], isUnclean: true }
}

export function isReassigning(adding: readonly number[], removing: readonly number[]): boolean {
  return adding.length > 0 || removing.length > 0
}

export function withoutRemoved(list: readonly number[], removing: readonly number[]): readonly number[] {
  return removing.length === 0 ? list : list.filter((id) => !removing.includes(id))
}

function sortedDifference(from: readonly number[], without: readonly number[]): number[] {
  return [...new Set(from)].filter((id) => !without.includes(id)).sort((left, right) => left - right)
}
