/** Entry of every script in bin/ but the server's: the name of a tool, then its words. */
import { processHost } from './tool/process-host.ts'
import { runTool } from './tool/tool.ts'
import { toolNamed } from './tool/tools.ts'

async function main(name: string, argv: readonly string[]): Promise<void> {
  const entry = toolNamed(name)
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
