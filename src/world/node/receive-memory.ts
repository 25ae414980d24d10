/**
 * Sockets that read straight into memory of the caller, instead of a fresh buffer for each read: recycled memory is worth
 * 40 % of a broker's CPU.
 *
 * Node offers that (`onread`) for sockets that connect, but not for accepted ones. So the handle of an accepted, paused
 * socket moves to a socket made with `onread`. This file is the only place that knows of handles; where a Node has none
 * of that shape, the answer is null, and node/socket.ts copies out of 'data' events instead.
 */
import net from 'node:net'

export interface Receiving {
  /** The memory for the next read. */
  readonly buffer: () => Buffer
  readonly callback: (length: number) => boolean
}

interface Handle {
  useUserBuffer(buffer: Buffer): void
}

export function moveToReceiving(accepted: net.Socket, receiving: Receiving): net.Socket | null {
  const handle = handleOf(accepted)
  if (handle === null || accepted.destroyed) return null
  const options = { handle, onread: receiving, allowHalfOpen: true, manualStart: true }
  const moved = new net.Socket(options)
  // The old shell must not close what it no longer owns; destroyed, it leaves its server's count of connections.
  Reflect.set(accepted, '_handle', null)
  accepted.destroy()
  return moved
}

/** Node asks for memory once ahead of each read. This puts other memory in the place of what it got last. */
export function replaceMemory(socket: net.Socket, memory: Buffer): void {
  handleOf(socket)?.useUserBuffer(memory)
}

function handleOf(socket: net.Socket): Handle | null {
  const handle: unknown = Reflect.get(socket, '_handle')
  return isHandle(handle) ? handle : null
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === 'object' && value !== null && 'useUserBuffer' in value && typeof value.useUserBuffer === 'function'
  )
}
