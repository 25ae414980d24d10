/** Entry of every script in bin/ but those that start a server: the name of a tool, then its words. */
import { processHost } from './tool/process-host.ts'
import { runTool } from './tool/tool.ts'
import { toolNamed, type ToolEntry } from './tool/tools.ts'

/** bin/klamm: no name of Kafka's. */
const KLAMM: ToolEntry = { name: 'klamm', classes: [], load: async () => (await import('./klamm/klamm.ts')).klamm }

async function main(name: string, argv: readonly string[]): Promise<void> {
  const entry = name === KLAMM.name ? KLAMM : toolNamed(name)
  if (entry === null) {
    process.stderr.write(`klamm: there is no tool ${name}\n`)
    process.exit(1)
  }
  const host = processHost()
  const exitCode = await runTool(await entry.load(), argv, host)
  process.exit(host.interruptCode() ?? exitCode)
}

const [name = '', ...argv] = process.argv.slice(2)
void main(name, argv)
