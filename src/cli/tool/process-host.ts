/** The place in which a tool runs when it is a process: this machine's World, its streams and its signals. */
import { nodeWorld } from '../../world/node/index.ts'
import { ProcessTerminal } from '../terminal/process-terminal.ts'
import type { ToolHost } from './tool.ts'

/** What a shell reads as "ended by this signal". */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

export interface ProcessHost extends ToolHost {
  /** What a tool that ended after an interrupt answers; null if there was none. */
  interruptCode(): number | null
}

export function processHost(): ProcessHost {
  let interrupted: AbortController | null = null
  let interruptCode: number | null = null
  return {
    terminal: new ProcessTerminal(),
    world: nodeWorld(),
    environment: process.env,
    // Signals are taken only for a tool that asks; else they end the process by themselves.
    get interrupted() {
      if (interrupted === null) {
        const controller = new AbortController()
        interrupted = controller
        for (const signal of ['SIGINT', 'SIGTERM'] as const) {
          process.on(signal, () => {
            if (interruptCode !== null) process.exit(EXIT_CODES[signal])
            interruptCode = EXIT_CODES[signal]
            controller.abort()
          })
        }
      }
      return interrupted.signal
    },
    interruptCode: () => interruptCode,
  }
}
