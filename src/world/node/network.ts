/** TCP sockets of the machine, under TLS too. Listening and connecting; the sockets themselves are in node/socket.ts. */
import net from 'node:net'
import { OperationalError } from '../../base/errors.ts'
import type { ConnectAddress, Listener, Network, Socket } from '../world.ts'
import { errorCode } from './disk-errors.ts'
import { acceptedSocket, connectedSocket } from './socket.ts'

export class NodeNetwork implements Network {
  listen(
    address: { host: string; port: number; backlog: number },
    accept: (socket: Socket) => void,
  ): Promise<Listener> {
    return new Promise((resolve, reject) => {
      // Paused, because a socket that has begun to read can no longer be given memory of ours.
      const server = net.createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (socket) => {
        accept(acceptedSocket(socket))
      })
      const failed = (error: unknown): void => {
        const code = errorCode(error) === 'EADDRINUSE' ? 'ADDRESS_IN_USE' : 'NETWORK_FAILED'
        reject(
          new OperationalError(code, `cannot listen on ${address.host}:${address.port}: ${reasonOf(error)}`, {
            cause: error,
          }),
        )
      }
      server.once('error', failed)
      // An empty host is every address of the machine.
      const host = address.host === '' ? {} : { host: address.host }
      const bound = (): void => {
        server.off('error', failed)
        // From now on only an accept can fail (no descriptors left): the peer sees that, and the listener goes on.
        server.on('error', () => {})
        const at = server.address()
        const port = typeof at === 'object' && at !== null ? at.port : address.port
        resolve({ host: address.host, port, close: () => closed(server) })
      }
      try {
        server.listen({ ...host, port: address.port, backlog: address.backlog }, bound)
      } catch (error) {
        failed(error) // a port that is none
      }
    })
  }

  connect(address: ConnectAddress, signal?: AbortSignal): Promise<Socket> {
    return connectedSocket(address, signal)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function closed(server: net.Server): Promise<void> {
  // Idempotent: closing a closed server calls back with an error that says just that.
  return new Promise((resolve) => server.close(() => resolve()))
}
