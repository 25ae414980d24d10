/** How the quorum speaks to other nodes; `quorum/rpc-channel.ts` does it by connections, tests have others. */
import { OperationalError } from '../base/errors.ts'
import type { FetchAnswer, RaftAnswer, RaftRequest, RaftResult, SnapshotAnswer } from '../raft/messages.ts'
import type { HostPort } from '../raft/voters.ts'

export interface RaftChannel {
  /** Rejects with KafkaError UNSUPPORTED_VERSION if the node doesn't speak that, and with anything if it can't be reached. */
  send(to: HostPort, request: RaftRequest): Promise<RaftResult>
  close(): void
}

/** An answer as it goes out: with the records or bytes that it names. */
export type ServedAnswer =
  | Exclude<RaftAnswer, FetchAnswer | SnapshotAnswer>
  | (FetchAnswer & { readonly records: Buffer })
  | (SnapshotAnswer & { readonly bytes: Buffer })

/** Of a quorum that is alone. */
export const NO_PEERS: RaftChannel = {
  send: (to) => Promise.reject(new OperationalError('NETWORK_FAILED', `There is no way to ${to.host}:${to.port}.`)),
  close() {},
}
