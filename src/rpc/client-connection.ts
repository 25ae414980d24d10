/**
 * One connection from the client's side: requests out, answers matched by correlation id, in order.
 *
 * It knows nothing of versions to choose, retries or leaders: who uses it does. An answer out of order, one that does not
 * parse, or bytes that nobody asked for close the connection; everything that waits then rejects with NETWORK_FAILED.
 */
import { ByteReader } from '../base/byte-reader.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { Retainable } from '../base/retainable.ts'
import type { AnyApi, Api, Init } from '../protocol/codec.ts'
import { peekCorrelationId, readResponse, writeRequest } from '../protocol/frames.ts'
import type { Network, Socket, SocketSink } from '../world/world.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { FrameReceiver, type Frame } from './frame-receiver.ts'
import type { WatchedRequest } from './request-watch.ts'

const RESPONSE_BYTES_MAX = 0x7fff_ffff
/** A smaller answer is copied even for whoever keeps it: it would hold a whole chunk. */
const KEPT_BYTES_MIN = 64 * 1024

interface Waiting {
  /** Null: the answer is bytes without a header. */
  readonly correlationId: number | null
  readonly read: (frame: Frame) => void
  readonly reject: (error: Error) => void
  readonly watched: WatchedRequest | null
}

/** RequestWatch.sent for the one broker at the other end. */
type ConnectionWatch = (api: AnyApi, version: number, correlationId: number) => WatchedRequest | null

/** An answer whose bytes lie in the memory that it was received into. The caller releases it, exactly once. */
export interface Lent<Answer> {
  readonly answer: Answer
  readonly memory: Retainable
}

export class ClientConnection implements SocketSink {
  readonly #socket: Socket
  readonly #receiver: FrameReceiver
  readonly #clientId: string | null
  readonly #watch: ConnectionWatch | null
  readonly #waiting: Waiting[] = []
  readonly #onClosed: (() => void)[] = []
  #nextCorrelationId = 0
  #closed: Error | null = null

  /** Over a socket that nobody reads yet. */
  constructor(socket: Socket, pool: ChunkPool, clientId: string | null, watch: ConnectionWatch | null = null) {
    this.#socket = socket
    this.#clientId = clientId
    this.#watch = watch
    this.#receiver = new FrameReceiver(
      pool,
      RESPONSE_BYTES_MAX,
      (frame) => this.#frame(frame),
      (bytes) => this.#fail(`an answer of ${bytes} bytes`),
    )
    socket.start(this)
  }

  /** Rejects with OperationalError NETWORK_FAILED. */
  static async connect(
    network: Network,
    address: { readonly host: string; readonly port: number },
    options: { readonly pool: ChunkPool; readonly clientId: string | null },
  ): Promise<ClientConnection> {
    return new ClientConnection(await network.connect(address), options.pool, options.clientId)
  }

  get isClosed(): boolean {
    return this.#closed !== null
  }

  /** Runs once when the connection is closed, by whom ever. */
  onClosed(task: () => void): void {
    if (this.#closed !== null) task()
    else this.#onClosed.push(task)
  }

  /** Requests that wait for their answer. */
  get inFlight(): number {
    return this.#waiting.length
  }

  /** Of the request that was sent last. */
  get lastCorrelationId(): number {
    return (this.#nextCorrelationId - 1) & 0x7fff_ffff
  }

  /** Somebody's patience with that request is over; closing is for them to do. */
  timedOut(correlationId: number): void {
    this.#waiting.find((waiting) => waiting.correlationId === correlationId)?.watched?.timedOut()
  }

  /** Bytes in the answer are the caller's for good. Rejects with OperationalError NETWORK_FAILED. */
  request<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    message: Init<Request>,
    keepsMemory = false,
  ): Promise<Response> {
    return this.exchange(api, version, message, (reader) => readResponse(api, version, reader), keepsMemory)
  }

  /**
   * The same, for whoever reads the answer in a way of its own: `read` gets header and body.
   * A KafkaError that it throws is what the answer says; anything else closes the connection: an answer that does not parse.
   * With `keepsMemory` a large answer is not copied: its bytes lie in the memory that it was received into, which is then
   * left to whoever refers to it and never received into again. For answers that are mostly records.
   */
  exchange<Request, Result>(
    api: Api<Request, unknown>,
    version: number,
    message: Init<Request>,
    read: (reader: ByteReader) => Result,
    keepsMemory = false,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const readFrame = ({ buffer, start, end, memory }: Frame): void => {
        const isKept = keepsMemory && end - start >= KEPT_BYTES_MIN
        if (isKept) memory.retain() // for good
        resolve(
          read(isKept ? new ByteReader(buffer, start, end) : new ByteReader(Buffer.from(buffer.subarray(start, end)))),
        )
      }
      this.#send(api, version, message, { read: readFrame, reject })
    })
  }

  /** The same, for answers that are mostly records and whose memory will be free again soon. */
  borrow<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    message: Init<Request>,
  ): Promise<Lent<Response>> {
    return new Promise((resolve, reject) => {
      const read = ({ buffer, start, end, memory }: Frame): void => {
        const answer = readResponse(api, version, new ByteReader(buffer, start, end))
        memory.retain()
        resolve({ answer, memory })
      }
      this.#send(api, version, message, { read, reject })
    })
  }

  /** Sends a request that has no answer (Produce with acks=0). `sent` runs when the kernel has it, or the connection closed. */
  post<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    message: Init<Request>,
    sent?: () => void,
  ): void {
    this.#send(api, version, message, null, sent)
  }

  /** Bytes behind their length, answered in the same way: how brokers before 1.0 take tokens of SASL. */
  exchangeBare(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) {
        reject(this.#closed)
        return
      }
      const read = ({ buffer, start, end }: Frame): void => resolve(Buffer.from(buffer.subarray(start, end)))
      this.#waiting.push({ correlationId: null, read, reject, watched: null })
      const size = Buffer.alloc(4)
      size.writeInt32BE(bytes.length)
      this.#socket.write([size, bytes])
    })
  }

  /** Sends bytes as they are, for tests of what is not a request. */
  sendBytes(bytes: Buffer): void {
    if (this.#closed === null) this.#socket.write([bytes])
  }

  /** What waits rejects, saying `reason`. Idempotent. */
  close(reason = 'closed by this side'): void {
    this.#fail(reason)
  }

  room(): Buffer {
    return this.#receiver.room()
  }

  received(length: number): void {
    this.#receiver.received(length)
    if (this.#receiver.idle()) this.#socket.renewRoom()
  }

  ended(): void {
    this.#fail('the server closed the connection')
  }

  closed(error: Error | null): void {
    this.#fail(error instanceof OperationalError ? error : (error?.message ?? 'the server closed the connection'))
  }

  #send<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    message: Init<Request>,
    answer: Pick<Waiting, 'read' | 'reject'> | null,
    sent?: () => void,
  ): void {
    if (this.#closed !== null) {
      answer?.reject(this.#closed)
      sent?.()
      return
    }
    const correlationId = this.#nextCorrelationId
    this.#nextCorrelationId = (correlationId + 1) & 0x7fff_ffff
    const pieces = writeRequest(api, version, correlationId, this.#clientId, message)
    const watched = this.#watch?.(api, version, correlationId) ?? null
    if (answer !== null) this.#waiting.push({ correlationId, watched, ...answer })
    this.#socket.write(pieces, sent)
    if (answer === null) watched?.answered(0)
  }

  #frame(frame: Frame): void {
    try {
      const waiting = this.#waiting.shift()
      if (waiting?.correlationId === null) {
        waiting.read(frame)
        return
      }
      const correlationId = peekCorrelationId(new ByteReader(frame.buffer, frame.start, frame.end))
      if (waiting === undefined || waiting.correlationId !== correlationId) {
        this.#fail(`an answer with correlation id ${correlationId}, expected ${waiting?.correlationId ?? 'none'}`)
        waiting?.reject(this.#closed ?? failure('closed'))
        return
      }
      try {
        waiting.read(frame)
        waiting.watched?.answered(frame.end - frame.start)
      } catch (error) {
        if (error instanceof KafkaError) {
          waiting.watched?.answered(frame.end - frame.start)
          waiting.reject(error)
          return
        }
        waiting.reject(failure(`an answer that does not parse: ${String(error)}`))
        this.#fail('an answer that does not parse')
      }
    } catch (error) {
      this.#fail(`an answer that does not parse: ${String(error)}`)
    } finally {
      frame.memory.release()
    }
  }

  #fail(reason: string | OperationalError): void {
    if (this.#closed !== null) return
    this.#closed = typeof reason === 'string' ? failure(reason) : reason
    this.#receiver.stop()
    this.#socket.destroy()
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed)
    for (const task of this.#onClosed.splice(0)) task()
  }
}

function failure(reason: string): OperationalError {
  return new OperationalError('NETWORK_FAILED', reason)
}
