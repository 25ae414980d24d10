/** A controller on a metadata log of its own, on any World: for tests of the quorum and the controller. */
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'
import { SILENT, type Logger } from '../base/logger.ts'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import { brokerValues } from '../config/parse-broker-config.ts'
import { TableConfigRules } from '../controller/config-rules.ts'
import { Controller, type ControllerOptions } from '../controller/controller.ts'
import type { LogContent } from '../controller/metadata-log.ts'
import { bootstrapRecords } from '../metadata/bootstrap.ts'
import { DEFAULT_TIMING, type QuorumOptions } from '../quorum/quorum-options.ts'
import { NO_PEERS } from '../quorum/raft-channel.ts'
import { Quorum } from '../quorum/quorum.ts'
import { STATIC_KRAFT_VERSIONS } from '../raft/voters.ts'
import type { World } from '../world/world.ts'

export const CLUSTER_ID = 'test-cluster-0000000000'
export const CONTROLLER_INCARNATION = 'cccccccccccccccccccccA' as Uuid

export interface MetadataNodeOptions {
  readonly logDirectory: string
  readonly nodeId?: number
  readonly directoryId?: Uuid
  readonly staticVoterIds?: readonly number[]
  readonly clusterId?: string
  readonly metadataVersion?: number
  readonly maxIdleIntervalMs?: number
  readonly imbalanceCheckIntervalMs?: number
  readonly uncleanElectionIntervalMs?: number
  readonly snapshotBytes?: number
  readonly retentionBytes?: number
  readonly logger?: Logger
}

export interface MetadataNode {
  readonly controller: Controller
  readonly quorum: Quorum
}

export async function startMetadataNode(world: World, options: MetadataNodeOptions): Promise<MetadataNode> {
  const nodeId = options.nodeId ?? 1
  const { clock, random, disk } = world
  const logger = options.logger ?? SILENT
  const quorumOptions: QuorumOptions = {
    disk,
    clock,
    random,
    logger,
    logDirectory: options.logDirectory,
    nodeId,
    directoryId: options.directoryId ?? ZERO_UUID,
    staticVoters: (options.staticVoterIds ?? [nodeId]).map((id) => ({
      id,
      directoryId: ZERO_UUID,
      endpoints: [],
      kraftVersions: STATIC_KRAFT_VERSIONS,
    })),
    mayVote: true,
    autoJoin: false,
    endpoints: [],
    listenerName: 'CONTROLLER',
    bootstrapServers: [],
    timing: DEFAULT_TIMING,
    channel: NO_PEERS,
    logConfig: { ...DEFAULT_LOG_CONFIG, retentionMs: -1, retentionBytes: -1, segmentBytes: 8 * 1024 * 1024 },
    snapshots: {
      recordBytesMax: options.snapshotBytes ?? 20 * 1024 * 1024,
      intervalMs: 0,
      retentionBytes: options.retentionBytes ?? -1,
      retentionMs: -1,
    },
  }
  let quorum: Quorum | null = null
  const controllerOptions: ControllerOptions = {
    clock,
    random,
    logger,
    settings: {
      clusterId: options.clusterId ?? CLUSTER_ID,
      defaultPartitions: 1,
      defaultReplicationFactor: 1,
      deleteTopicEnable: true,
      brokerSessionTimeoutMs: 9000,
      maxIdleIntervalMs: options.maxIdleIntervalMs ?? 0,
      imbalanceCheckIntervalMs: options.imbalanceCheckIntervalMs ?? 0,
      staticVoterIds: [],
      uncleanElectionIntervalMs: options.uncleanElectionIntervalMs ?? 0,
    },
    rules: new TableConfigRules({
      nodeId,
      values: brokerValues(
        new Map([
          ['process.roles', 'broker,controller'],
          ['node.id', String(nodeId)],
          ['controller.listener.names', 'CONTROLLER'],
        ]),
      ),
      isSet: () => false,
    }),
    mutationQuotas: { quotaFor: () => null },
    registration: { incarnationId: CONTROLLER_INCARNATION, listeners: [] },
    broker: null,
    openLog: async (content: LogContent) => {
      quorum = await Quorum.open(quorumOptions, content)
      return quorum
    },
    bootstrap: bootstrapRecords(options.metadataVersion ?? 30),
  }
  const controller = await Controller.start(controllerOptions)
  if (quorum === null) throw new Error('the controller did not open its log')
  return { controller, quorum }
}
