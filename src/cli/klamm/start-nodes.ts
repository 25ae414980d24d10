/**
 * `klamm start --nodes N`: a cluster on this machine, a process for each node. Formats what isn't yet, writes each node's
 * server.properties beside its data, starts the processes, says when all brokers are there, and stops them in order.
 *
 * A node that ends later by itself doesn't take the others with it: killing one is what such a cluster is for.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addressOf } from '../../base/address.ts'
import { OperationalError } from '../../base/errors.ts'
import { SILENT } from '../../base/logger.ts'
import { parseOverride } from '../../config/properties.ts'
import { formatLocalNodes, localControllers, localNodes, type LocalNode } from '../../server/local-cluster.ts'
import { ToolExit } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'
import type { Run } from './command.ts'
import { usageError } from './exits.ts'
import { NodeProcesses, propertiesFile } from './node-processes.ts'

const HOST = '127.0.0.1'
const PORT_MAX = 65_535
const CALLED = 'klamm start'

export const startNodes: Run = async ({ words, host }) => {
  const { terminal, world } = host
  // bin/klamm starts a node without --nodes by itself.
  if (!words.has('nodes'))
    throw usageError('--controllers is for a cluster: --nodes NUMBER says of how many brokers.', CALLED)
  if (words.positionals.length > 0) throw usageError('--nodes makes its own server.properties.', CALLED)
  const brokers = words.integer('nodes', 1) ?? 1
  const port = words.integer('port', 1) ?? 0
  const directory = resolve(words.value('data') ?? 'data')
  const controllers = words.integer('controllers', 1) ?? Math.max(1, await localControllers(world, directory))
  if (port + brokers + controllers - 1 > PORT_MAX) throw usageError(`--port ${port} leaves too few ports.`, CALLED)
  const config = new Map<string, string>()
  for (const text of words.values('override')) {
    const override = parseOverride(text)
    if (override === null) throw usageError(`--override ${text}: KEY=VALUE is expected.`, CALLED)
    config.set(...override)
  }
  const portsFrom = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index)
  const nodes = localNodes({
    host: HOST,
    brokerPorts: portsFrom(port, brokers),
    controllerPorts: portsFrom(port + brokers, controllers),
    directory,
    config,
  })
  await checkPorts(nodes, host)
  const clusterId = await formatLocalNodes(world, directory, nodes, { ...SILENT, info: (line) => terminal.out(line) })
  for (const node of nodes) writeProperties(node)
  const processes = new NodeProcesses(serverProgram(), host)
  await processes.run(nodes, () => {
    const servers = nodes.filter(({ role }) => role === 'broker').map((node) => addressOf(node.host, node.port))
    terminal.out(
      `Cluster ${clusterId} is up: ${brokers} ${brokers === 1 ? 'broker' : 'brokers'} on ${servers.join(',')}`,
    )
    terminal.out(`Its data is in ${directory}. Ctrl-C stops it.`)
  })
}

/** Before anything is written. */
async function checkPorts(nodes: readonly LocalNode[], { world }: ToolHost): Promise<void> {
  for (const { name, host, port } of nodes) {
    try {
      const listener = await world.network.listen({ host, port, backlog: 1 }, (socket) => socket.destroy())
      await listener.close()
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error
      throw new ToolExit(1, `klamm: ${name} can't listen: ${error.message}; --port takes others.`)
    }
  }
}

function writeProperties({ directory, properties }: LocalNode): void {
  mkdirSync(directory, { recursive: true })
  const lines = [...properties].map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
  writeFileSync(propertiesFile(directory), lines.join(''))
}

function serverProgram(): string {
  return join(dirname(fileURLToPath(import.meta.url)), '..', 'cli', 'server-start.js')
}
