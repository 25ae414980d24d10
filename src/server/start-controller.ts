/** The controller half of a node: the metadata log opened with this node's settings, and its leader. */
import { assert } from '../base/errors.ts'
import { TableConfigRules } from '../controller/config-rules.ts'
import type { ControllerRegistration } from '../controller/activation.ts'
import { Controller } from '../controller/controller.ts'
import { bootstrapRecords, decodeBootstrap } from '../metadata/bootstrap.ts'
import { METADATA_VERSION_LATEST } from '../metadata/features.ts'
import { readBootstrap } from '../quorum/format.ts'
import { Quorum } from '../quorum/quorum.ts'
import type { RaftChannel } from '../quorum/raft-channel.ts'
import type { VoterEndpoint } from '../raft/voters.ts'
import type { Uuid } from '../base/uuid.ts'
import type { LogDirectories } from '../storage/log-directories.ts'
import { randomUuid } from '../storage/meta-properties.ts'
import { metadataDirectory, quorumOptions } from './metadata-quorum.ts'
import type { NodeOptions } from './node-options.ts'
import { ControllerMutationQuotas } from './quotas/mutation-quotas.ts'

/** The controller in this process, and the log that it leads. */
export interface OwnController {
  readonly controller: Controller
  readonly quorum: Quorum
  /** Of this process. */
  readonly registration: ControllerRegistration
}

/** How other nodes reach this controller, and it them. */
export interface QuorumAccess {
  readonly endpoints: readonly VoterEndpoint[]
  readonly channel: RaftChannel
  /** The incarnation of the broker in this process; null: there is none. */
  readonly broker: Uuid | null
}

export async function startController(
  options: NodeOptions,
  directories: LogDirectories,
  { endpoints, channel, broker }: QuorumAccess,
): Promise<OwnController> {
  const { world, config, logger } = options
  const { clock, random, disk } = world
  const metadata = metadataDirectory(directories, config)
  const bootstrap = await readBootstrap(disk, metadata.path)
  const registration = {
    incarnationId: randomUuid(world.random),
    listeners: endpoints.map(({ name, host, port }) => ({ name, host, port, securityProtocol: 0 })),
  }
  const mutationQuotas = new ControllerMutationQuotas(clock, config)
  let opened: Quorum | null = null
  const controller = await Controller.start({
    clock,
    random,
    logger,
    settings: {
      clusterId: directories.clusterId,
      defaultPartitions: config.numPartitions,
      defaultReplicationFactor: config.defaultReplicationFactor,
      deleteTopicEnable: config.deleteTopicEnable,
      brokerSessionTimeoutMs: config.brokerSessionTimeoutMs,
      maxIdleIntervalMs: config.metadataMaxIdleIntervalMs,
      imbalanceCheckIntervalMs: config.autoLeaderRebalanceEnable
        ? config.leaderImbalanceCheckIntervalSeconds * 1000
        : 0,
      staticVoterIds: config.quorumVoters.map(({ id }) => id),
      uncleanElectionIntervalMs: config.uncleanLeaderElectionIntervalMs,
    },
    rules: new TableConfigRules({
      nodeId: config.nodeId,
      values: config.values,
      isSet: (key) => config.originals.has(key),
    }),
    mutationQuotas,
    registration,
    broker,
    bootstrap: bootstrap === null ? bootstrapRecords(METADATA_VERSION_LATEST) : decodeBootstrap(bootstrap),
    openLog: async (content) => {
      opened = await Quorum.open(
        {
          ...quorumOptions(world, config, logger, metadata),
          mayVote: true,
          endpoints,
          bootstrapServers: config.quorumBootstrapServers,
          channel,
        },
        content,
      )
      return opened
    },
  })
  mutationQuotas.follow(controller.image.quotas.values())
  controller.onImage((image, delta) => {
    if (delta.quotasChanged) mutationQuotas.follow(image.quotas.values())
  })
  assert(opened !== null, 'a controller that started has opened its log')
  return { controller, quorum: opened, registration }
}
