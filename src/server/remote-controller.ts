/**
 * The active controller, on another node or in this process: finds it through the quorum, and asks it. What this broker asks
 * for itself goes as it is; what a client asked goes in an Envelope with the client's principal and address (KIP-590), at a
 * version that the controller serves. A controller in this process is just called.
 *
 * A controller that is not there, or not the active one any more, is waited for and asked again until the request's time
 * is over.
 */
import { ByteReader } from '../base/byte-reader.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { ERROR_CODES, errorName } from '../base/error-codes.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { ControllerApi, ControllerContext } from '../controller/controller-api.ts'
import type { AnyApi, Api, Init } from '../protocol/codec.ts'
import { readResponse, writeRequest } from '../protocol/frames.ts'
import { AddRaftVoter } from '../protocol/generated/add-raft-voter.ts'
import { AllocateProducerIds } from '../protocol/generated/allocate-producer-ids.ts'
import { AlterClientQuotas } from '../protocol/generated/alter-client-quotas.ts'
import { AlterConfigs } from '../protocol/generated/alter-configs.ts'
import { AlterPartition } from '../protocol/generated/alter-partition.ts'
import { AlterPartitionReassignments } from '../protocol/generated/alter-partition-reassignments.ts'
import { AssignReplicasToDirs } from '../protocol/generated/assign-replicas-to-dirs.ts'
import { BrokerHeartbeat } from '../protocol/generated/broker-heartbeat.ts'
import { BrokerRegistration } from '../protocol/generated/broker-registration.ts'
import { ControllerRegistration } from '../protocol/generated/controller-registration.ts'
import { CreatePartitions } from '../protocol/generated/create-partitions.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { DefaultPrincipalData } from '../protocol/generated/default-principal-data.ts'
import { DeleteTopics } from '../protocol/generated/delete-topics.ts'
import { DescribeQuorum } from '../protocol/generated/describe-quorum.ts'
import { ElectLeaders } from '../protocol/generated/elect-leaders.ts'
import { Envelope } from '../protocol/generated/envelope.ts'
import { IncrementalAlterConfigs } from '../protocol/generated/incremental-alter-configs.ts'
import { ListPartitionReassignments } from '../protocol/generated/list-partition-reassignments.ts'
import { RemoveRaftVoter } from '../protocol/generated/remove-raft-voter.ts'
import { UnregisterBroker } from '../protocol/generated/unregister-broker.ts'
import { UpdateFeatures } from '../protocol/generated/update-features.ts'
import type { HostPort } from '../raft/voters.ts'
import { BrokerConnection, type BrokerConnectionOptions } from '../rpc/broker-connection.ts'
import type { Clock } from '../world/world.ts'
import { REQUEST_TIMEOUT_MS, clusterConnections } from './cluster-connections.ts'
import type { NodeOptions } from './node-options.ts'

export interface RemoteControllerOptions {
  readonly clock: Clock
  readonly connection: BrokerConnectionOptions
  /** The controller in this process, asked while it is the active one; null: there is none. */
  readonly own: (ControllerApi & { readonly isActive: boolean }) | null
  /** Null while no leader of the quorum is known, or while it is this node. */
  readonly leader: () => HostPort | null
  /** How long a request may take, with all its attempts. */
  readonly timeoutMs: number
  /** Of one attempt of a heartbeat: a controller that is silent must not cost the session. */
  readonly heartbeatTimeoutMs: number
  readonly retryMs: number
}

/** Who asked the broker: quotas of the controller hold for it. */
export interface ForwardedClient {
  readonly clientHost: string
  readonly clientId: string | null
}

/** There are no other principals while all listeners are PLAINTEXT. */
const ANONYMOUS = { type: 'User', name: 'ANONYMOUS', tokenAuthenticated: false }
/** What the controller answers in `errorCode` of its answer when it is not the active one. */
const ASK_AGAIN: ReadonlySet<number | undefined> = new Set([ERROR_CODES.NOT_CONTROLLER])
/** int32 size in front of a request. */
const SIZE_BYTES = 4
const RETRY_MS = 50

/** As a node asks for it. */
export function activeController(
  options: NodeOptions,
  own: RemoteControllerOptions['own'],
  leader: RemoteControllerOptions['leader'],
): RemoteController {
  return new RemoteController({
    clock: options.world.clock,
    connection: clusterConnections(options),
    own,
    leader,
    timeoutMs: REQUEST_TIMEOUT_MS,
    heartbeatTimeoutMs: options.config.brokerSessionTimeoutMs / 2,
    retryMs: RETRY_MS,
  })
}

export class RemoteController implements ControllerApi {
  readonly #options: RemoteControllerOptions
  #open: { readonly address: string; readonly connection: Promise<BrokerConnection> } | null = null
  #isClosed = false

  constructor(options: RemoteControllerOptions) {
    this.#options = options
  }

  createTopics: ControllerApi['createTopics'] = (request, context) =>
    this.#ask(CreateTopics, request, context, (own) => own.createTopics(request, context))
  deleteTopics: ControllerApi['deleteTopics'] = (request, context) =>
    this.#ask(DeleteTopics, request, context, (own) => own.deleteTopics(request, context))
  createPartitions: ControllerApi['createPartitions'] = (request, context) =>
    this.#ask(CreatePartitions, request, context, (own) => own.createPartitions(request, context))
  alterConfigs: ControllerApi['alterConfigs'] = (request, context) =>
    this.#ask(AlterConfigs, request, context, (own) => own.alterConfigs(request, context))
  incrementalAlterConfigs: ControllerApi['incrementalAlterConfigs'] = (request, context) =>
    this.#ask(IncrementalAlterConfigs, request, context, (own) => own.incrementalAlterConfigs(request, context))
  alterClientQuotas: ControllerApi['alterClientQuotas'] = (request, context) =>
    this.#ask(AlterClientQuotas, request, context, (own) => own.alterClientQuotas(request, context))
  updateFeatures: ControllerApi['updateFeatures'] = (request, context) =>
    this.#ask(UpdateFeatures, request, context, (own) => own.updateFeatures(request, context))
  registerBroker: ControllerApi['registerBroker'] = (request, context) =>
    this.#ask(BrokerRegistration, request, context, (own) => own.registerBroker(request, context))
  registerController: ControllerApi['registerController'] = (request, context) =>
    this.#ask(ControllerRegistration, request, context, (own) => own.registerController(request, context))
  brokerHeartbeat: ControllerApi['brokerHeartbeat'] = (request, context) =>
    this.#ask(BrokerHeartbeat, request, context, (own) => own.brokerHeartbeat(request, context))
  unregisterBroker: ControllerApi['unregisterBroker'] = (request, context) =>
    this.#ask(UnregisterBroker, request, context, (own) => own.unregisterBroker(request, context))
  allocateProducerIds: ControllerApi['allocateProducerIds'] = (request, context) =>
    this.#ask(AllocateProducerIds, request, context, (own) => own.allocateProducerIds(request, context))
  electLeaders: ControllerApi['electLeaders'] = (request, context) =>
    this.#ask(ElectLeaders, request, context, (own) => own.electLeaders(request, context))
  alterPartition: ControllerApi['alterPartition'] = (request, context) =>
    this.#ask(AlterPartition, request, context, (own) => own.alterPartition(request, context))
  alterPartitionReassignments: ControllerApi['alterPartitionReassignments'] = (request, context) =>
    this.#ask(AlterPartitionReassignments, request, context, (own) => own.alterPartitionReassignments(request, context))
  listPartitionReassignments: ControllerApi['listPartitionReassignments'] = (request, context) =>
    this.#ask(ListPartitionReassignments, request, context, (own) => own.listPartitionReassignments(request, context))
  assignReplicasToDirs: ControllerApi['assignReplicasToDirs'] = (request, context) =>
    this.#ask(AssignReplicasToDirs, request, context, (own) => own.assignReplicasToDirs(request, context))
  addRaftVoter: ControllerApi['addRaftVoter'] = (request, context) =>
    this.#ask(AddRaftVoter, request, context, (own) => own.addRaftVoter(request, context))
  removeRaftVoter: ControllerApi['removeRaftVoter'] = (request, context) =>
    this.#ask(RemoveRaftVoter, request, context, (own) => own.removeRaftVoter(request, context))
  describeQuorum: ControllerApi['describeQuorum'] = (request, context) =>
    this.#ask(DescribeQuorum, request, context, (own) => own.describeQuorum(request, context))

  close(): void {
    this.#isClosed = true
    this.#letGo()
  }

  /** @throws KafkaError REQUEST_TIMED_OUT, or what the controller says of the envelope. */
  async #ask<Request, Answer>(
    api: Api<Request, unknown>,
    request: Init<Request>,
    context: ControllerContext,
    askOwn: (own: ControllerApi) => Promise<Answer>,
  ): Promise<Answer> {
    const { clock, timeoutMs, retryMs, own } = this.#options
    const deadlineMs = clock.monotonicMs() + timeoutMs
    let last = 'no leader of the quorum is known'
    while (!this.#isClosed) {
      try {
        if (own?.isActive === true) return await askOwn(own)
        const connection = await this.#connection()
        if (connection !== null) {
          const answer = await this.#attempt(connection, api, request, context)
          if (answer !== null) return answer as Answer
          last = 'the node that was asked is not the active controller'
          this.#letGo()
        }
      } catch (error) {
        if (!mayPass(error)) throw error
        last = error.message
        this.#letGo()
      }
      if (clock.monotonicMs() + retryMs >= deadlineMs) {
        throw new KafkaError(
          'REQUEST_TIMED_OUT',
          `${api.name} to the controller: no answer in ${timeoutMs} ms; ${last}`,
        )
      }
      await new Promise<void>((resolve) => void clock.at(clock.monotonicMs() + retryMs, resolve))
    }
    throw new KafkaError('BROKER_NOT_AVAILABLE', 'This broker stops.')
  }

  /** Null: not the active controller. */
  async #attempt<Request, Response>(
    connection: BrokerConnection,
    api: Api<Request, Response>,
    request: Init<Request>,
    { apiVersion, clientHost, clientId = null }: ControllerContext,
  ): Promise<Response | null> {
    const version = connection.versions.find(api, { max: apiVersion }) ?? connection.versions.choose(api)
    const answer =
      clientHost === null
        ? await connection.request(api, request, { versions: { min: version, max: version }, ...this.#limitOf(api) })
        : await forward(connection, api, version, request, { clientHost, clientId })
    return answer === null || ASK_AGAIN.has((answer as { readonly errorCode?: number }).errorCode) ? null : answer
  }

  #limitOf(api: AnyApi): { readonly timeoutMs?: number } {
    return api.key === BrokerHeartbeat.key ? { timeoutMs: this.#options.heartbeatTimeoutMs } : {}
  }

  async #connection(): Promise<BrokerConnection | null> {
    const leader = this.#options.leader()
    if (leader === null) return null
    const address = `${leader.host}:${leader.port}`
    if (this.#open?.address !== address) {
      this.#letGo()
      this.#open = { address, connection: BrokerConnection.open(leader, this.#options.connection) }
    }
    const open = this.#open
    try {
      const connection = await open.connection
      if (!connection.isClosed) return connection
    } catch (error) {
      if (this.#open === open) this.#open = null
      throw error
    }
    if (this.#open === open) this.#open = null
    return null
  }

  #letGo(): void {
    const open = this.#open
    this.#open = null
    open?.connection.then(
      (connection) => connection.close('another controller is asked'),
      () => {},
    )
  }
}

/** The controller can't be reached, or this one led until just now. */
function mayPass(error: unknown): error is Error {
  return error instanceof OperationalError || (error instanceof KafkaError && error.code === 'NOT_CONTROLLER')
}

/** Null: not the active controller. */
async function forward<Request, Response>(
  connection: BrokerConnection,
  api: Api<Request, Response>,
  version: number,
  request: Init<Request>,
  client: ForwardedClient,
): Promise<Response | null> {
  return connection.exchange(
    Envelope,
    () => envelopeOf(api, version, request, client),
    (reader, envelopeVersion) => {
      const { errorCode, responseData } = readResponse(Envelope, envelopeVersion, reader)
      if (errorCode === ERROR_CODES.NOT_CONTROLLER) return null
      if (errorCode !== 0 || responseData === null) {
        throw new KafkaError(
          errorName(errorCode) ?? 'UNKNOWN_SERVER_ERROR',
          `The controller refuses to take ${api.name} from this broker: ${errorName(errorCode)}.`,
        )
      }
      return readResponse(api, version, new ByteReader(Buffer.from(responseData)))
    },
  )
}

export function envelopeOf<Request>(
  api: Api<Request, unknown>,
  version: number,
  request: Init<Request>,
  { clientHost, clientId }: ForwardedClient,
): { readonly requestData: Buffer; readonly requestPrincipal: Buffer; readonly clientHostAddress: Buffer } {
  const frame = Buffer.concat(writeRequest(api, version, 0, clientId, request))
  const principal = new ByteWriter()
  principal.int16(0)
  DefaultPrincipalData.write(principal, ANONYMOUS, 0)
  return {
    requestData: frame.subarray(SIZE_BYTES),
    requestPrincipal: principal.toBuffer(),
    clientHostAddress: addressBytes(clientHost),
  }
}

/** As InetAddress.getAddress gives it: 4 bytes, or 16. */
export function addressBytes(clientHost: string): Buffer {
  const text = clientHost.replace(/^\//, '').replace(/^::ffff:/, '')
  if (/^\d+(\.\d+){3}$/.test(text)) return Buffer.from(text.split('.').map(Number))
  const bytes = Buffer.alloc(16)
  const [head = '', tail] = text.split('%')[0]!.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  for (const [index, group] of before.entries()) bytes.writeUInt16BE(group & 0xffff, index * 2)
  for (const [index, group] of after.entries()) bytes.writeUInt16BE(group & 0xffff, 16 - (after.length - index) * 2)
  return bytes
}
