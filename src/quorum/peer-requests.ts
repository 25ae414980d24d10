/** Sends what the state machine asks of other nodes, tells it what came of that, and the log of each new reason to fail. */
import { KafkaError } from '../base/errors.ts'
import type { RaftRequest } from '../raft/messages.ts'
import type { Outgoing, RaftInput } from '../raft/raft-io.ts'
import type { HostPort } from '../raft/voters.ts'
import type { QuorumOptions } from './quorum-options.ts'

export class PeerRequests {
  readonly #options: Pick<QuorumOptions, 'channel' | 'logger' | 'nodeId'>
  readonly #step: (input: RaftInput) => void
  /** By address: why the last request failed; none after one that was answered. */
  readonly #failures = new Map<string, string>()
  #isClosed = false

  constructor(options: Pick<QuorumOptions, 'channel' | 'logger' | 'nodeId'>, step: (input: RaftInput) => void) {
    this.#options = options
    this.#step = step
  }

  /** Rejects with what a step throws: that is no failure of the network, and nothing to try again. */
  async send(outgoing: Outgoing): Promise<void> {
    this.#step(await this.#outcome(outgoing))
  }

  async #outcome({ requestId, to, request }: Outgoing): Promise<RaftInput> {
    try {
      const result = await this.#options.channel.send(to, request)
      this.#failures.delete(`${to.host}:${to.port}`)
      return { kind: 'answered', requestId, result }
    } catch (error) {
      const unsupported = error instanceof KafkaError && error.code === 'UNSUPPORTED_VERSION'
      this.#noteFailure(to, request.kind, error)
      return { kind: 'failed', requestId, unsupported }
    }
  }

  /** What is on its way fails, and that is not told. */
  close(): void {
    this.#isClosed = true
    this.#options.channel.close()
  }

  /** Once for each reason: a node that is away is asked again and again. */
  #noteFailure({ host, port }: HostPort, kind: RaftRequest['kind'], error: unknown): void {
    const { logger, nodeId } = this.#options
    const reason = error instanceof Error ? error.message : String(error)
    const address = `${host}:${port}`
    if (this.#isClosed || this.#failures.get(address) === reason) return
    this.#failures.set(address, reason)
    const told = `[RaftManager id=${nodeId}] ${kind} to ${address} failed, and is tried again: ${reason}`
    if (error instanceof KafkaError && error.code === 'INCONSISTENT_CLUSTER_ID') {
      logger.error(`${told}. That node and this one are of two clusters: compare cluster.id in their meta.properties`)
    } else logger.info(told)
  }
}
