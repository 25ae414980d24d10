/** The controller half of a node: the metadata log opened with this node's settings, and its leader. */
import { OperationalError } from '../base/errors.ts'
import { ZERO_UUID } from '../base/uuid.ts'
import { TableConfigRules } from '../controller/config-rules.ts'
import { Controller } from '../controller/controller.ts'
import { bootstrapRecords, decodeBootstrap } from '../metadata/bootstrap.ts'
import { METADATA_VERSION_LATEST } from '../metadata/features.ts'
import { readBootstrap } from '../quorum/format.ts'
import { DEFAULT_TIMING } from '../quorum/quorum-options.ts'
import { Quorum } from '../quorum/quorum.ts'
import { NO_PEERS } from '../quorum/raft-channel.ts'
import type { LogDirectories } from '../storage/log-directories.ts'
import { randomUuid } from '../storage/meta-properties.ts'
import { hostNameOf } from './listener-addresses.ts'
import type { NodeOptions } from './node-options.ts'

export async function startController(
  options: NodeOptions,
  directories: LogDirectories,
): Promise<{ readonly controller: Controller; readonly kraftVersion: () => number }> {
  const { world, config, logger } = options
  const { clock, random, disk } = world
  const metadata = directories.live.find(({ path }) => path === config.metadataLogDir)
  if (metadata === undefined) {
    throw new OperationalError('DISK_FAILED', `The metadata log directory ${config.metadataLogDir} can't be read.`)
  }
  const bootstrap = await readBootstrap(disk, metadata.path)
  const [listenerName = 'CONTROLLER'] = config.controllerListenerNames
  let quorum: Quorum | null = null
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
    },
    rules: new TableConfigRules({
      nodeId: config.nodeId,
      values: config.values,
      isSet: (key) => config.originals.has(key),
    }),
    registration: {
      incarnationId: randomUuid(world.random),
      listeners: config.controllerListeners.map(({ name, host, port }) => ({
        name,
        host: host || hostNameOf(options),
        port,
        securityProtocol: 0,
      })),
    },
    bootstrap: bootstrap === null ? bootstrapRecords(METADATA_VERSION_LATEST) : decodeBootstrap(bootstrap),
    openLog: async (content) => {
      quorum = await Quorum.open(
        {
          disk,
          clock,
          random,
          logger,
          logDirectory: metadata.path,
          nodeId: config.nodeId,
          directoryId: metadata.id,
          staticVoters: config.quorumVoters.map(({ id, host, port }) => {
            return { id, directoryId: ZERO_UUID, endpoints: [{ name: listenerName, host, port }] }
          }),
          mayVote: true,
          endpoints: [],
          listenerName,
          bootstrapServers: [],
          timing: DEFAULT_TIMING,
          channel: NO_PEERS,
          logConfig: {
            ...config.topicDefaults,
            compact: false,
            delete: false,
            retentionMs: -1,
            retentionBytes: -1,
            segmentBytes: config.metadataLogSegmentBytes,
            segmentMs: config.metadataLogSegmentMs,
            maxMessageBytes: config.metadataLogSegmentBytes,
            preallocate: false,
          },
          snapshots: {
            recordBytesMax: config.metadataLogMaxRecordBytesBetweenSnapshots,
            intervalMs: config.metadataLogMaxSnapshotIntervalMs,
            retentionBytes: config.metadataMaxRetentionBytes,
            retentionMs: config.metadataMaxRetentionMs,
          },
        },
        content,
      )
      return quorum
    },
  })
  return { controller, kraftVersion: () => quorum?.kraftVersion ?? 0 }
}
