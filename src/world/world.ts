/**
 * The one door to everything that is not deterministic: clock, timers, random, disk, network, threads.
 *
 * `world/node` makes a World of the real machine, `testing/` makes one of a seed. No other file reads a clock, starts a
 * timer, opens a file or a socket (a lint rule says so). Only package entries, cli and testing choose a World; everybody
 * else gets it, or the part that it needs, as a constructor argument.
 */
export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly network: Network
  readonly compute: Compute
}

export interface Timer {
  /** Idempotent; also legal after the task ran. */
  cancel(): void
}

export interface Clock {
  /** Milliseconds; never goes back; meaningless in another process. For durations and deadlines. */
  monotonicMs(): number
  /** Milliseconds since 1970; may jump. For record timestamps, checkpoints and log lines only. */
  wallMs(): number
  /** Runs `task` once, not before `deadlineMs` (monotonic). */
  at(deadlineMs: number, task: () => void): Timer
  /** Runs `task` in a later turn of the loop, after I/O that is ready. For fairness and batching. */
  soon(task: () => void): void
}

export interface Random {
  /** 0 … 2^32-1 */
  uint32(): number
  /** 0 … bound-1; bound is at most 2^32. */
  below(bound: number): number
  /** Not from a seed in production: fit for ids and nonces. */
  bytes(length: number): Buffer
}

/**
 * - `read`: must exist;
 * - `update`: read and write, must exist;
 * - `write`: read and write, created when missing;
 * - `create`: read and write, must not exist.
 */
export type OpenMode = 'read' | 'update' | 'write' | 'create'

/**
 * A disk. Operations on one file complete in the order of their effects only if the caller waits; on different files in
 * any order. At power loss unsynced pages and directory entries are lost independently; at a process crash nothing is.
 * Everything rejects with a `DiskError`.
 */
export interface Disk {
  /** How many files, connections included, the process may have open at once; Infinity where nothing bounds them. */
  readonly openFilesMax: number
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /** The whole file; null when there is none. */
  readFile(path: string): Promise<Buffer | null>
  /** Truncates or creates; not synced, not atomic: see storage/atomic-file.ts for that. */
  writeFile(path: string, data: Buffer): Promise<void>
  /** Replaces `to`. Durable only after `syncDirectory` of both parents. */
  rename(from: string, to: string): Promise<void>
  /** No error when missing. */
  remove(path: string): Promise<void>
  /** A directory and all in it. No error when missing. */
  removeTree(path: string): Promise<void>
  /** With parents; no error when it exists. */
  makeDirectory(path: string): Promise<void>
  /** Null when there is no such directory. Order is arbitrary. */
  list(directory: string): Promise<DirectoryEntry[] | null>
  stat(
    path: string,
  ): Promise<{ readonly size: number; readonly modifiedMs: number; readonly isDirectory: boolean } | null>
  setModifiedMs(path: string, wallMs: number): Promise<void>
  syncDirectory(path: string): Promise<void>
  /**
   * An exclusive lock that a JVM's FileChannel.tryLock respects and is refused by (fcntl); null if somebody holds it.
   * Creates the file.
   */
  lock(path: string): Promise<DiskLock | null>
  /**
   * Until `work` has ended, small operations of anybody, but no syncs, renames and removals, may run on the caller's thread, as
   * long as the disk is quick and others get their turns: for work on thousands of small files, as the start of a node.
   */
  briskly<T>(work: () => Promise<T>): Promise<T>
  /** Total and usable bytes of the volume that holds `path`. */
  space(path: string): Promise<{ readonly total: number; readonly usable: number }>
}

export interface DirectoryEntry {
  readonly name: string
  readonly isDirectory: boolean
}

export interface DiskLock {
  release(): Promise<void>
}

export interface DiskFile {
  readonly path: string
  /** Bytes read into `into` from `position` on; fewer than its length only at the end of the file. */
  read(into: Buffer, position: number): Promise<number>
  /** Gathered write. Rejects if not everything was written; then an unknown prefix is. */
  write(buffers: readonly Buffer[], position: number): Promise<void>
  /**
   * The same on the caller's thread: for small appends, where the hop to a thread costs more than the write. Throws
   * `DiskError`. A disk may refuse it (returns false, nothing written) when recent writes were slow.
   */
  writeNow(buffers: readonly Buffer[], position: number): boolean
  /** Data and size survive a power loss afterwards. A failed sync is never retried. */
  sync(): Promise<void>
  /** Cuts, or extends with zeros. */
  truncate(size: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

export type DiskErrorCode =
  | 'EIO'
  | 'ENOSPC'
  | 'ENOENT'
  | 'EEXIST'
  | 'EACCES'
  | 'EROFS'
  | 'EMFILE'
  | 'ENOTDIR'
  | 'ENOTEMPTY'
  | 'EUNKNOWN'

export class DiskError extends Error {
  readonly code: DiskErrorCode
  readonly path: string

  constructor(code: DiskErrorCode, path: string, detail: string, options?: ErrorOptions) {
    super(`${path}: ${detail}`, options)
    this.name = 'DiskError'
    this.code = code
    this.path = path
  }
}

export interface ConnectAddress {
  readonly host: string
  readonly port: number
  readonly tls?: TlsOptions | null
}

/** Bytes are copied at the boundary: what is written may be changed by the writer once `write` called back. */
export interface Network {
  /** @throws OperationalError ADDRESS_IN_USE | NETWORK_FAILED. Port 0 picks a free one. */
  listen(
    address: { readonly host: string; readonly port: number; readonly backlog: number },
    accept: (socket: Socket) => void,
  ): Promise<Listener>
  /**
   * Rejects with OperationalError NETWORK_FAILED, and with TLS_FAILED where `tls` is given. `signal` ends the attempt, which
   * rejects with its reason: nothing of it is left that would hold the process.
   */
  connect(address: ConnectAddress, signal?: AbortSignal): Promise<Socket>
}

/** How a connection is made under TLS. Certificates and keys are text in PEM, or its bytes. */
export interface TlsOptions {
  /** Authorities that may have signed the peer's certificate. Those that Node comes with if left out. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[]
  /** Our own certificate with its chain, for a peer that wants one, and its key. */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** Both in one PKCS #12 file, in place of `cert` and `key`. */
  readonly pfx?: Buffer
  /** Of the key or the PKCS #12 file. */
  readonly passphrase?: string
  /** The name that the peer's certificate must have. The host that is connected to if left out. */
  readonly servername?: string
  /** Whether the certificate must be for that name. True if left out. */
  readonly verifyHost?: boolean
  /** False takes any certificate, so that anybody may be the peer: for trying things out. True if left out. */
  readonly rejectUnauthorized?: boolean
  /** In OpenSSL's names, with colons between. */
  readonly ciphers?: string
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
}

export interface Listener {
  readonly host: string
  readonly port: number
  /** Stops accepting; sockets that are open stay open. */
  close(): Promise<void>
}

/** Where received bytes go. Set once, before the first byte is read. */
export interface SocketSink {
  /** Room for the next read; asked before each read, at least one byte. The memory is the sink's. */
  room(): Buffer
  /** `length` bytes were put at the start of the last room. */
  received(length: number): void
  /** The peer will send no more. It may still read; the sink ends or destroys the socket when it has answered. */
  ended(): void
  /** The last call. `error` is null after an orderly close. */
  closed(error: Error | null): void
}

export interface Socket {
  readonly remoteHost: string
  readonly remotePort: number
  readonly localHost: string
  readonly localPort: number
  start(sink: SocketSink): void
  /**
   * Drops the room that was last asked for and asks for another: so that a connection that has gone idle gives its large
   * room back for a small one. Not for every read: each call costs some bytes until the socket closes.
   */
  renewRoom(): void
  /** Gathered write; `done` runs when the kernel has the bytes (they may be changed then), or the socket closed. */
  write(buffers: readonly Buffer[], done?: () => void): void
  /** No `received` until `resume`. */
  pause(): void
  resume(): void
  /** Sends what is queued, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

/** Work that would hold the loop for long: runs in a thread, or at a later event of a simulation. */
export interface Compute {
  run<T>(task: () => T | Promise<T>): Promise<T>
}
