/**
 * Every tool by the name of its script, with the class names of Kafka's that mean it, old ones too: what
 * `kafka-run-class.sh` and people's scripts say. A tool is loaded only when it runs.
 */
import type { Tool } from './tool.ts'

export interface ToolEntry {
  /** The script in bin/, without `.sh`. */
  readonly name: string
  readonly classes: readonly string[]
  readonly load: () => Promise<Tool>
}

export const TOOLS: readonly ToolEntry[] = [
  {
    name: 'kafka-dump-log',
    classes: ['org.apache.kafka.tools.DumpLogSegments', 'kafka.tools.DumpLogSegments'],
    load: async () => (await import('../dump-log/dump-log.ts')).dumpLog,
  },
  {
    name: 'kafka-storage',
    classes: ['kafka.tools.StorageTool'],
    load: async () => (await import('../storage/run-storage.ts')).storage,
  },
  {
    name: 'kafka-run-class',
    classes: [],
    load: async () => (await import('./run-class.ts')).runClass,
  },
]

export function toolNamed(name: string): ToolEntry | null {
  return TOOLS.find((tool) => tool.name === name) ?? null
}

export function toolOfClass(className: string): ToolEntry | null {
  return TOOLS.find((tool) => tool.classes.includes(className)) ?? null
}
