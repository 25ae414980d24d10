/**
 * The wait of a starting broker for the metadata quorum: others may have to start first. A line in the log says every few
 * seconds what it waits for, and after initial.broker.registration.timeout.ms it is given up.
 */
import { addressOf } from '../base/address.ts'
import { OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Quorum } from '../quorum/quorum.ts'
import { endpointOf, type HostPort } from '../raft/voters.ts'
import type { Clock } from '../world/world.ts'
import type { NodeOptions } from './node-options.ts'

const FIRST_LINE_MS = 1000
const LINES_MS = 5000

export interface AwaitQuorumOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly nodeId: number
  readonly quorum: Quorum
  readonly listenerName: string
  readonly bootstrapServers: readonly HostPort[]
  readonly timeoutMs: number
}

export function awaitOptions(
  { world, config, logger }: NodeOptions,
  quorum: Quorum,
  bootstrapServers: readonly HostPort[],
): AwaitQuorumOptions {
  return {
    clock: world.clock,
    logger,
    nodeId: config.nodeId,
    quorum,
    listenerName: config.controllerListenerNames[0] ?? '',
    bootstrapServers,
    timeoutMs: config.initialBrokerRegistrationTimeoutMs,
  }
}

/** @throws OperationalError NETWORK_FAILED, or what `reached` rejects with. */
export async function awaitQuorum(reached: Promise<void>, options: AwaitQuorumOptions): Promise<void> {
  const { clock, logger, nodeId, timeoutMs } = options
  const startMs = clock.monotonicMs()
  let giveUp: (error: Error) => void = () => {}
  const timedOut = new Promise<never>((_resolve, reject) => (giveUp = reject))
  const tell = (): void => {
    const waitedMs = clock.monotonicMs() - startMs
    if (waitedMs >= timeoutMs) {
      const waited = `${Math.round(timeoutMs / 1000)} s (initial.broker.registration.timeout.ms)`
      const what = `This broker could not register with the controller quorum in ${waited}: ${stateOf(options)}`
      return giveUp(new OperationalError('NETWORK_FAILED', what))
    }
    logger.info(`[BrokerServer id=${nodeId}] Waiting for the metadata quorum: ${stateOf(options)}`)
    timer = clock.at(clock.monotonicMs() + Math.min(LINES_MS, timeoutMs - waitedMs), tell)
  }
  let timer = clock.at(startMs + Math.min(FIRST_LINE_MS, timeoutMs), tell)
  try {
    await Promise.race([reached, timedOut])
  } finally {
    timer.cancel()
  }
}

function stateOf({ quorum, listenerName, bootstrapServers }: AwaitQuorumOptions): string {
  const { leader, voters, leaderCommittedEnd, committedEnd } = quorum
  if (leader.leaderId >= 0) {
    const progress = leaderCommittedEnd === null ? '' : `, offset ${committedEnd} of ${leaderCommittedEnd}`
    return `following node ${leader.leaderId} in epoch ${leader.epoch}${progress}.`
  }
  const named = voters.map(({ id, endpoints }) => {
    const endpoint = endpointOf(endpoints, listenerName)
    return endpoint === null ? String(id) : `${id} at ${addressOf(endpoint.host, endpoint.port)}`
  })
  if (named.length > 0) return `no leader is known; its voters are ${named.join(', ')}.`
  const asked = bootstrapServers.map(({ host, port }) => addressOf(host, port))
  return `no leader and no voters are known; asked are ${asked.join(', ')}.`
}
