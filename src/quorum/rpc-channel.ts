/**
 * The quorum's connections to other nodes. A Fetch is held by the leader, and a connection answers in order; so fetches have
 * a connection of their own, and votes don't wait behind them.
 */
import { readResponse } from '../protocol/frames.ts'
import { AddRaftVoter } from '../protocol/generated/add-raft-voter.ts'
import { BeginQuorumEpoch } from '../protocol/generated/begin-quorum-epoch.ts'
import { EndQuorumEpoch } from '../protocol/generated/end-quorum-epoch.ts'
import { Fetch } from '../protocol/generated/fetch.ts'
import { FetchSnapshot } from '../protocol/generated/fetch-snapshot.ts'
import { RemoveRaftVoter } from '../protocol/generated/remove-raft-voter.ts'
import { UpdateRaftVoter } from '../protocol/generated/update-raft-voter.ts'
import { Vote } from '../protocol/generated/vote.ts'
import { errorName } from '../base/error-codes.ts'
import type { RaftRequest, RaftResult } from '../raft/messages.ts'
import type { HostPort } from '../raft/voters.ts'
import { BrokerConnection, type BrokerConnectionOptions } from '../rpc/broker-connection.ts'
import type { RaftChannel } from './raft-channel.ts'
import * as wire from './wire-requests.ts'
import { fetchResult, simpleResult, snapshotResult, updateVoterResult } from './wire-results.ts'

const KRAFT_VERSION = 'kraft.version'

export interface RpcChannelOptions {
  readonly clusterId: string
  readonly connection: BrokerConnectionOptions
}

export class RpcChannel implements RaftChannel {
  readonly #options: RpcChannelOptions
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  #isClosed = false

  constructor(options: RpcChannelOptions) {
    this.#options = options
  }

  async send(to: HostPort, request: RaftRequest): Promise<RaftResult> {
    const isFetch = request.kind === 'fetch' || request.kind === 'fetchSnapshot'
    const connection = await this.#connection(to, isFetch ? 'fetch' : 'other')
    return exchange(connection, this.#options.clusterId, request)
  }

  close(): void {
    this.#isClosed = true
    for (const connecting of this.#connections.values()) {
      connecting.then(
        (connection) => connection.close(),
        () => {},
      )
    }
    this.#connections.clear()
  }

  #connection(to: HostPort, purpose: string): Promise<BrokerConnection> {
    const name = `${to.host}:${to.port} ${purpose}`
    const known = this.#connections.get(name)
    if (known !== undefined) return known
    const opened = BrokerConnection.open(to, this.#options.connection)
    this.#connections.set(name, opened)
    const forget = (): void => {
      if (this.#connections.get(name) === opened) this.#connections.delete(name)
    }
    opened.then((connection) => {
      connection.onClosed(forget)
      if (this.#isClosed) connection.close()
    }, forget)
    return opened
  }
}

async function exchange(connection: BrokerConnection, clusterId: string, request: RaftRequest): Promise<RaftResult> {
  switch (request.kind) {
    case 'vote': {
      const versions = request.preVote ? { min: 2 } : {}
      const message = (version: number) => wire.voteRequest(clusterId, request, version)
      const read = (reader: Parameters<typeof readResponse>[2], version: number) => readResponse(Vote, version, reader)
      return simpleResult('vote', await connection.exchange(Vote, message, read, { versions }))
    }
    case 'beginEpoch':
      return simpleResult(
        'beginEpoch',
        await connection.request(BeginQuorumEpoch, wire.beginEpochRequest(clusterId, request)),
      )
    case 'endEpoch': {
      const message = (version: number) => wire.endEpochRequest(clusterId, request, version)
      return connection.exchange(EndQuorumEpoch, message, (reader, version) =>
        simpleResult('endEpoch', readResponse(EndQuorumEpoch, version, reader)),
      )
    }
    case 'fetch': {
      const message = (version: number) => wire.fetchRequest(clusterId, request, version)
      // Read here: the records lie in memory that is used again.
      const read = (reader: Parameters<typeof readResponse>[2], version: number) =>
        fetchResult(readResponse(Fetch, version, reader))
      return connection.exchange(Fetch, message, read, { versions: { min: 13 } })
    }
    case 'fetchSnapshot': {
      const message = () => wire.fetchSnapshotRequest(clusterId, request)
      return connection.exchange(FetchSnapshot, message, (reader, version) =>
        snapshotResult(readResponse(FetchSnapshot, version, reader)),
      )
    }
    case 'updateVoter':
      return updateVoterResult(await connection.request(UpdateRaftVoter, wire.updateVoterRequest(clusterId, request)))
    case 'addVoter': {
      const message = (version: number) => wire.addVoterRequest(clusterId, request, version)
      const answer = await connection.exchange(AddRaftVoter, message, (reader, version) =>
        readResponse(AddRaftVoter, version, reader),
      )
      return {
        kind: 'addVoter',
        error: errorName(answer.errorCode) ?? 'UNKNOWN_SERVER_ERROR',
        message: answer.errorMessage,
      }
    }
    case 'removeVoter': {
      const answer = await connection.request(RemoveRaftVoter, wire.removeVoterRequest(clusterId, request))
      return {
        kind: 'removeVoter',
        error: errorName(answer.errorCode) ?? 'UNKNOWN_SERVER_ERROR',
        message: answer.errorMessage,
      }
    }
    case 'apiVersions':
      // Asked for when the connection was made.
      return {
        kind: 'apiVersions',
        error: 'NONE',
        kraftVersions: connection.versions.supportedFeatures.get(KRAFT_VERSION) ?? null,
      }
  }
}
