/** What a user has paused: whole topics, also partitions that are not assigned yet, and single ones. */

export interface PauseRequest {
  topic: string
  /** All, also those to come, if left out. */
  partitions?: number[]
}

interface OfTopic {
  isAll: boolean
  readonly paused: Set<number>
  /** Exceptions from `isAll`. */
  readonly resumed: Set<number>
}

export class PausedPartitions {
  readonly #topics = new Map<string, OfTopic>()

  pause(requests: readonly PauseRequest[]): void {
    for (const { topic, partitions } of requests) {
      const state = this.#of(topic)
      if (partitions === undefined) {
        state.isAll = true
        state.paused.clear()
        state.resumed.clear()
      } else {
        for (const partition of partitions) {
          state.paused.add(partition)
          state.resumed.delete(partition)
        }
      }
    }
  }

  resume(requests: readonly PauseRequest[]): void {
    for (const { topic, partitions } of requests) {
      const state = this.#of(topic)
      if (partitions === undefined) {
        this.#topics.delete(topic)
      } else {
        for (const partition of partitions) {
          state.paused.delete(partition)
          if (state.isAll) state.resumed.add(partition)
        }
      }
    }
  }

  isPaused(topic: string, partition: number): boolean {
    const state = this.#topics.get(topic)
    if (state === undefined) return false
    return state.paused.has(partition) || (state.isAll && !state.resumed.has(partition))
  }

  #of(topic: string): OfTopic {
    let state = this.#topics.get(topic)
    if (state === undefined) {
      state = { isAll: false, paused: new Set(), resumed: new Set() }
      this.#topics.set(topic, state)
    }
    return state
  }
}
