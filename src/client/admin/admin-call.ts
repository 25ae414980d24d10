/**
 * The two ways in which the Admin asks: `ask`, one question to one node, and `askByKey`, a question over many keys that may
 * belong to different nodes.
 *
 * Both try again what may pass until the call's time is over. By key each node's part goes its own way: a broker that is
 * slow or gone delays and fails its own keys only. A call by key rejects when it is aborted, closed or makes no sense;
 * whatever else goes wrong is the outcome of keys. Through `bootstrapControllers` (KIP-919) only those calls go that
 * controllers answer.
 */
import { abortable } from '../../base/abortable.ts'
import { KafkaError, OperationalError } from '../../base/errors.ts'
import { EncodeError } from '../../base/byte-writer.ts'
import type { Api, Init } from '../../protocol/codec.ts'
import type { ApiVersionTable } from '../../rpc/api-version-table.ts'
import type { BrokerConnection, RequestOptions } from '../../rpc/broker-connection.ts'
import { backoffMs, inTime, pause, retrying, type CallOptions } from '../call.ts'
import { ClientError, isRetriable } from '../errors.ts'
import type { NetworkClient, Target } from '../network-client.ts'
import type { Node } from './admin-types.ts'
import { Outcomes, type KeyText } from './outcomes.ts'
import { noticeThrottle, untilUnthrottled } from './throttling.ts'

/** `active`: any broker, or the active controller where controllers are asked directly. */
export type AdminTarget = Target | 'active'

/** A node that is connected, for one attempt of a call. */
export class AdminNode {
  /** Null for whichever was nearest at hand. */
  readonly node: Node | null
  readonly #client: NetworkClient
  readonly #connection: BrokerConnection
  /** Monotonic: the call's end. */
  readonly #deadlineMs: number
  /** Milliseconds until a request is given up: what requests tell the broker, so that it does not work for nobody. */
  readonly timeoutMs: number

  constructor(client: NetworkClient, connection: BrokerConnection, leftMs: number, node: Node | null) {
    this.node = node
    this.#client = client
    this.#connection = connection
    this.#deadlineMs = client.world.clock.monotonicMs() + leftMs
    this.timeoutMs = Math.max(1, Math.min(Math.round(leftMs), client.options.requestTimeoutMs))
  }

  get versions(): ApiVersionTable {
    return this.#connection.versions
  }

  /** Rejects as BrokerConnection.request does. */
  async ask<Request, Response>(
    api: Api<Request, Response>,
    message: Init<Request>,
    options: RequestOptions = {},
  ): Promise<Response> {
    const { requests, world } = this.#client
    const connection = this.#connection
    try {
      await untilUnthrottled(connection, api, world.clock, this.#deadlineMs)
    } catch (error) {
      if (this.#client.isClosed) throw new ClientError('CLOSED', 'The client is closed.')
      throw error
    }
    const sentMs = world.clock.monotonicMs()
    const asked = { api: api.name, node: this.node?.id ?? null, sentMs }
    requests?.requested()
    try {
      const answer = await connection.request(api, message, { timeoutMs: this.timeoutMs, ...options })
      const throttleTimeMs = throttleTimeOf(answer)
      requests?.settled({ ...asked, throttleTimeMs, error: null })
      const version = this.versions.choose(api, options.versions)
      noticeThrottle(connection, api, version, throttleTimeMs, world.clock.monotonicMs())
      return answer
    } catch (error) {
      requests?.settled({ ...asked, throttleTimeMs: 0, error: error as Error })
      if (this.#client.isClosed) throw new ClientError('CLOSED', 'The client is closed.')
      if (error instanceof OperationalError) this.#client.refreshSoon()
      // A field that was asked for and that the broker's version has no place for.
      if (error instanceof EncodeError) throw new KafkaError('UNSUPPORTED_VERSION', `${api.name}: ${error.message}.`)
      throw error
    }
  }
}

/** 0 for answers that have no such field, or had none in their version. */
function throttleTimeOf(answer: unknown): number {
  return (answer as { readonly throttleTimeMs?: number }).throttleTimeMs ?? 0
}

export interface Question {
  /** What Java's Admin calls it, for messages. */
  readonly name: string
  /** Controllers that are asked directly answer it, too. */
  readonly fromControllers?: boolean
}

/** Has another answer once it is known who controls the cluster. Controllers say it as voters of their log, too. */
function isStale(client: NetworkClient, error: unknown): boolean {
  if (!(error instanceof KafkaError)) return false
  if (error.code === 'NOT_LEADER_OR_FOLLOWER') return client.options.endpoint === 'controllers'
  return error.code === 'NOT_CONTROLLER'
}

/** Runs `attempt` with a connection to `target`, again while it fails with what may pass. */
export async function ask<T>(
  client: NetworkClient,
  question: Question & { readonly target: AdminTarget },
  call: CallOptions,
  attempt: (node: AdminNode) => Promise<T>,
): Promise<T> {
  checkEndpoint(client, question)
  const { timeoutMs = client.options.callTimeoutMs } = call
  return retrying(client.retries, question.name, { ...call, timeoutMs }, async (leftMs) => {
    try {
      return await attempt(await adminNode(client, question.target, leftMs))
    } catch (error) {
      if (isStale(client, error)) await client.refresh().catch(() => {})
      throw error
    }
  })
}

export interface Routed<Key> {
  readonly groups: ReadonlyMap<AdminTarget, readonly Key[]>
  /** Keys that have no node, and never will. */
  readonly failed: readonly (readonly [Key, Error])[]
  /** Keys that have no node just now. */
  readonly later: readonly (readonly [Key, Error])[]
}

/** Says which node has which keys. */
export type Route<Key> = (client: NetworkClient, keys: readonly Key[], leftMs: number) => Promise<Routed<Key>>

export interface KeyQuestion<Key, Value> extends Question {
  readonly keys: readonly Key[]
  readonly textOf: KeyText<Key>
  readonly route: Route<Key>
  /** Asks one node about its keys. A key that the answer leaves out is an error of that key. */
  readonly ask: (node: AdminNode, keys: readonly Key[]) => Promise<Iterable<readonly [Key, Value | Error]>>
  /** Errors of a key after which it is asked for again, with its node looked up anew. None if left out. */
  readonly isPassing?: (error: Error) => boolean
}

export async function askByKey<Key, Value>(
  client: NetworkClient,
  question: KeyQuestion<Key, Value>,
  { timeoutMs = client.options.callTimeoutMs, signal }: CallOptions,
): Promise<Outcomes<Key, Value>> {
  signal?.throwIfAborted()
  checkEndpoint(client, question)
  if (client.isClosed) throw new ClientError('CLOSED', 'The client is closed.')
  const asking = new Asking(client, question, timeoutMs, signal)
  await abortable(asking.run(), signal)
  return new Outcomes(
    question.textOf,
    question.keys.map((key) => [key, asking.outcomes.get(question.textOf(key))!.outcome]),
  )
}

class Asking<Key, Value> {
  readonly outcomes = new Map<string, { readonly outcome: Value | Error }>()
  readonly #client: NetworkClient
  readonly #question: KeyQuestion<Key, Value>
  readonly #timeoutMs: number
  readonly #deadlineMs: number
  readonly #signal: AbortSignal | undefined

  constructor(
    client: NetworkClient,
    question: KeyQuestion<Key, Value>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ) {
    this.#client = client
    this.#question = question
    this.#timeoutMs = timeoutMs
    this.#deadlineMs = client.world.clock.monotonicMs() + timeoutMs
    this.#signal = signal
  }

  async run(): Promise<void> {
    const { textOf, keys } = this.#question
    const unique = new Map(keys.map((key) => [textOf(key), key]))
    if (unique.size > 0) await this.#ask([...unique.values()], 1)
  }

  get #leftMs(): number {
    return this.#deadlineMs - this.#client.world.clock.monotonicMs()
  }

  async #ask(keys: readonly Key[], attempts: number): Promise<void> {
    this.#signal?.throwIfAborted()
    let routed: Routed<Key>
    try {
      routed = await this.#inTime(this.#question.route(this.#client, keys, this.#leftMs))
    } catch (error) {
      await this.#settle(failedBy(keys, this.#errorOf(error)), isRetriable, attempts)
      return
    }
    const { isPassing = () => false } = this.#question
    await Promise.all([
      this.#settle(routed.failed, () => false, attempts),
      this.#settle(routed.later, () => true, attempts),
      ...[...routed.groups].map(async ([target, group]) => {
        try {
          const answers = await this.#inTime(this.#askNode(target, group))
          await this.#settle(this.#complete(group, answers), isPassing, attempts)
        } catch (error) {
          await this.#settle(failedBy(group, this.#errorOf(error)), isRetriable, attempts)
        }
      }),
    ])
  }

  async #askNode(target: AdminTarget, keys: readonly Key[]): Promise<Iterable<readonly [Key, Value | Error]>> {
    return this.#question.ask(await adminNode(this.#client, target, this.#leftMs), keys)
  }

  #complete(keys: readonly Key[], answers: Iterable<readonly [Key, Value | Error]>): [Key, Value | Error][] {
    const { textOf } = this.#question
    const told = new Outcomes(textOf, answers)
    return keys.map((key) => [
      key,
      told.has(key)
        ? told.outcome(key)
        : new KafkaError('UNKNOWN_SERVER_ERROR', `The broker's answer says nothing about ${textOf(key)}.`),
    ])
  }

  /** Keeps what is final; asks again, after a pause, for what `isPassing` holds. */
  async #settle(
    answers: Iterable<readonly [Key, Value | Error]>,
    isPassing: (error: Error) => boolean,
    attempts: number,
  ): Promise<void> {
    const again: (readonly [Key, Error])[] = []
    for (const [key, outcome] of answers) {
      if (outcome instanceof Error && (isPassing(outcome) || isStale(this.#client, outcome))) again.push([key, outcome])
      else this.outcomes.set(this.#question.textOf(key), { outcome })
    }
    if (again.length === 0) return
    const { clock, random } = this.#client.world
    const pauseMs = backoffMs(this.#client.retries.backoff, attempts, random)
    if (clock.monotonicMs() + pauseMs >= this.#deadlineMs) {
      for (const [key, error] of again)
        this.outcomes.set(this.#question.textOf(key), { outcome: this.#timedOut(key, error) })
      return
    }
    await pause(clock, pauseMs, this.#signal)
    if (again.some(([, error]) => isStale(this.#client, error))) await this.#client.refresh().catch(() => {})
    await this.#ask(
      again.map(([key]) => key),
      attempts + 1,
    )
  }

  /** Nothing outlives the call's time: a node that keeps silent must not keep the others' outcomes. */
  #inTime<T>(work: Promise<T>): Promise<T> {
    return inTime(this.#client.world.clock, Math.max(this.#leftMs, 0), this.#question.name, work)
  }

  #errorOf(error: unknown): Error {
    if (this.#client.isClosed) throw new ClientError('CLOSED', 'The client is closed.')
    return error instanceof Error ? error : new Error(String(error))
  }

  #timedOut(key: Key, cause: Error): ClientError {
    const { name, textOf } = this.#question
    const text = `${name}: not done for ${textOf(key)} in ${this.#timeoutMs} ms. ${cause.message}`
    return new ClientError('TIMED_OUT', text, { cause })
  }
}

function failedBy<Key>(keys: readonly Key[], error: Error): [Key, Error][] {
  return keys.map((key) => [key, error])
}

/** A node that the cluster does not name may come yet, as Java's Admin sees it: a failure that passes. */
export async function adminNode(client: NetworkClient, target: AdminTarget, leftMs: number): Promise<AdminNode> {
  const isDirect = client.options.endpoint === 'controllers'
  const at: Target = target === 'active' ? (isDirect ? 'controller' : 'any') : target
  try {
    const connection = await client.connection(at)
    const id = at === 'controller' ? client.metadata.controllerId : at
    return new AdminNode(client, connection, leftMs, id === 'any' ? null : (client.metadata.nodes.get(id) ?? null))
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== 'BROKER_NOT_AVAILABLE') throw error
    throw new OperationalError('NETWORK_FAILED', error.message, { cause: error })
  }
}

function checkEndpoint(client: NetworkClient, { fromControllers = false }: Question): void {
  if (client.options.endpoint === 'brokers' || fromControllers) return
  throw new KafkaError(
    'UNSUPPORTED_ENDPOINT_TYPE',
    'This Admin API is not yet supported when communicating directly with the controller quorum.',
  )
}
