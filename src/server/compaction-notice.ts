/**
 * A topic whose cleanup.policy has `compact` is accepted and keeps all its records: this release has no log cleaner. The
 * operator is told once per topic and process, because a log that only grows is a surprise.
 */
import type { Logger } from '../base/logger.ts'
import type { LogConfig } from '../config/log-config.ts'

export class CompactionNotice {
  readonly #logger: Logger
  readonly #told = new Set<string>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Looks at topics that are new or whose settings changed; one line names all that the operator does not know of. */
  look(topics: Iterable<{ readonly name: string; readonly config: LogConfig }>): void {
    const compacted: string[] = []
    for (const { name, config } of topics) {
      if (!config.compact || this.#told.has(name)) continue
      this.#told.add(name)
      compacted.push(name)
    }
    if (compacted.length === 0) return
    this.#logger.warn(
      `Not compacted yet, all records are kept: ${compacted.sort().join(', ')} (cleanup.policy has compact; this release has no log cleaner)`,
    )
  }
}
