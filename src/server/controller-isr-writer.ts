/** Asks the active controller to change in-sync replicas (AlterPartition), in this broker's name. */
import { errorName, type ErrorCode } from '../base/error-codes.ts'
import { KafkaError } from '../base/errors.ts'
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import { AlterPartitionRequest, type AlterPartitionResponse } from '../protocol/generated/alter-partition.ts'
import type { Init } from '../protocol/codec.ts'
import type { IsrAnswer, IsrProposal, IsrWriter } from '../replication/isr-changes.ts'

export interface ControllerIsrWriterOptions {
  readonly nodeId: number
  readonly controller: Pick<ControllerApi, 'alterPartition'>
  /** -1 before the registration. */
  readonly brokerEpoch: () => number
  readonly metadataVersion: () => number
}

/** From 3.5-IV0 on every controller knows version 3, which states the members' epochs. */
const WITH_EPOCHS_LEVEL = 9
const WITH_EPOCHS_VERSION = 3
const RECOVERED = 0

export class ControllerIsrWriter implements IsrWriter {
  readonly #options: ControllerIsrWriterOptions

  constructor(options: ControllerIsrWriterOptions) {
    this.#options = options
  }

  /** @throws KafkaError what the controller says of the whole request, STALE_BROKER_EPOCH above all. */
  async write(proposals: readonly IsrProposal[]): Promise<readonly (IsrAnswer | null)[]> {
    const { nodeId, controller, brokerEpoch, metadataVersion } = this.#options
    const epoch = brokerEpoch()
    if (epoch < 0) throw new KafkaError('BROKER_ID_NOT_REGISTERED', `broker ${nodeId} is not registered yet`)
    const apiVersion = metadataVersion() >= WITH_EPOCHS_LEVEL ? WITH_EPOCHS_VERSION : WITH_EPOCHS_VERSION - 1
    const topics = new Map<Uuid, { topicId: Uuid; partitions: Init<AlterPartitionRequest.PartitionData>[] }>()
    for (const proposal of proposals) {
      const topicId = proposal.topicId ?? ZERO_UUID
      const topic = topics.get(topicId) ?? { topicId, partitions: [] }
      topics.set(topicId, topic)
      topic.partitions.push(partitionOf(proposal, epoch, apiVersion))
    }
    const request = AlterPartitionRequest.make({ brokerId: nodeId, brokerEpoch: epoch, topics: [...topics.values()] })
    const answer = await controller.alterPartition(request, { apiVersion, clientHost: null })
    const code = errorName(answer.errorCode ?? 0) ?? 'UNKNOWN_SERVER_ERROR'
    if (code !== 'NONE') throw new KafkaError(code, `the controller refused to change in-sync replicas: ${code}`)
    return proposals.map((proposal) => answerTo(proposal, answer))
  }
}

function partitionOf(
  { partition, leaderEpoch, partitionEpoch, isr }: IsrProposal,
  ownEpoch: number,
  apiVersion: number,
): Init<AlterPartitionRequest.PartitionData> {
  const base = { partitionIndex: partition, leaderEpoch, partitionEpoch, leaderRecoveryState: RECOVERED }
  if (apiVersion < WITH_EPOCHS_VERSION) return { ...base, newIsr: isr.map(({ brokerId }) => brokerId) }
  return {
    ...base,
    newIsrWithEpochs: isr.map(({ brokerId, brokerEpoch }) => ({ brokerId, brokerEpoch: brokerEpoch ?? ownEpoch })),
  }
}

function answerTo(proposal: IsrProposal, { topics }: Init<AlterPartitionResponse>): IsrAnswer | null {
  const found = topics
    ?.find(({ topicId }) => topicId === (proposal.topicId ?? ZERO_UUID))
    ?.partitions?.find(({ partitionIndex }) => partitionIndex === proposal.partition)
  if (found === undefined) return null
  const error: ErrorCode = errorName(found.errorCode ?? 0) ?? 'UNKNOWN_SERVER_ERROR'
  if (error !== 'NONE') return { error }
  const { leaderEpoch = -1, partitionEpoch = -1, isr = [] } = found
  return { error: null, leaderEpoch, partitionEpoch, isr }
}
