/** A place for a tool to run in without a process: what it prints is collected. For tests, and for tools in tools. */
import type { World } from '../../world/world.ts'
import { runTool, type Terminal, type Tool, type ToolHost } from './tool.ts'

export interface MemoryRun {
  readonly exitCode: number
  readonly out: string
  readonly error: string
}

export interface MemoryHostOptions {
  readonly world: World
  readonly input?: string
  readonly environment?: ToolHost['environment']
  readonly interrupted?: AbortSignal
  /** Is told each line of stderr as it comes. */
  readonly onError?: (line: string) => void
}

export async function runInMemory(tool: Tool, argv: readonly string[], options: MemoryHostOptions): Promise<MemoryRun> {
  const pieces: { out: Buffer[]; error: string } = { out: [], error: '' }
  const terminal: Terminal = {
    out: (line) => void pieces.out.push(Buffer.from(`${line}\n`)),
    error: (line) => {
      pieces.error += `${line}\n`
      options.onError?.(line)
    },
    write: (chunk) => void pieces.out.push(Buffer.from(chunk)),
    flush: () => Promise.resolve(),
    isClosed: false,
    async *input() {
      yield Buffer.from(options.input ?? '')
    },
    isInteractive: false,
    isScreen: false,
    status: () => {},
  }
  const exitCode = await runTool(tool, argv, {
    terminal,
    world: options.world,
    environment: options.environment ?? {},
    interrupted: options.interrupted ?? new AbortController().signal,
  })
  return { exitCode, out: Buffer.concat(pieces.out).toString(), error: pieces.error }
}
