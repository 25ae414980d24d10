/**
 * A cluster on one machine: which nodes it has, their settings and places, and the formatting that makes them one cluster.
 * `klamm start --nodes` runs each as a process, `startCluster` all of them in one.
 *
 * Brokers are 1 to N. Controllers are nodes of their own, so that a busy broker doesn't hold back the quorum: one, which
 * is as safe as its machine, or several, for trying out how they take over from each other. Their quorum is a static one
 * (controller.quorum.voters): its members are found where the settings say, so that ports may be others the next time.
 */
import { addressOf } from '../base/address.ts'
import { OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { bootstrapValues } from '../metadata/bootstrap.ts'
import { METADATA_VERSION_LATEST, newClusterFeatures } from '../metadata/features.ts'
import { formatDirectory } from '../quorum/format.ts'
import { randomUuid, readMetaProperties, type MetaProperties } from '../storage/meta-properties.ts'
import type { World } from '../world/world.ts'

export const BROKERS_MAX = 64
export const CONTROLLERS_MAX = 7
/** Controllers have the ids from here on: no broker has one of them. */
const CONTROLLER_ID = 101
/** Of each partition, internal topics' too, where there are as many brokers. */
const REPLICAS_MAX = 3

export interface LocalNode {
  /** `broker-1`, `controller-101`: the name of its directory, too. */
  readonly name: string
  readonly id: number
  readonly role: 'broker' | 'controller'
  readonly host: string
  readonly port: number
  readonly directory: string
  /** server.properties */
  readonly properties: ReadonlyMap<string, string>
}

export interface LocalClusterOptions {
  readonly host: string
  /** Of broker 1 and the others in order; as many as there shall be brokers. */
  readonly brokerPorts: readonly number[]
  readonly controllerPorts: readonly number[]
  /** Holds a directory for each node. */
  readonly directory: string
  /** For all nodes, over what is set here. */
  readonly config: ReadonlyMap<string, string>
}

/** Controllers first: the order in which they are started. @throws OperationalError CONFIG_INVALID */
export function localNodes(options: LocalClusterOptions): readonly LocalNode[] {
  const { host, brokerPorts, controllerPorts, directory } = options
  checkCount('brokers', brokerPorts.length, BROKERS_MAX)
  checkCount('controllers', controllerPorts.length, CONTROLLERS_MAX)
  const voters = controllerPorts.map((port, index) => `${CONTROLLER_ID + index}@${addressOf(host, port)}`)
  const replicas = Math.min(REPLICAS_MAX, brokerPorts.length)
  // With three one may be away: acks=all then waits for the other two.
  const minInsync = replicas >= REPLICAS_MAX ? replicas - 1 : 1
  const shared: readonly (readonly [string, string])[] = [
    ['controller.listener.names', 'CONTROLLER'],
    ['controller.quorum.voters', voters.join(',')],
    ['default.replication.factor', String(replicas)],
    ['min.insync.replicas', String(minInsync)],
  ]
  const node = (role: LocalNode['role'], id: number, port: number, own: readonly (readonly [string, string])[]) => {
    const name = `${role}-${id}`
    const place = `${directory}/${name}`
    const identity: readonly (readonly [string, string])[] = [
      ['process.roles', role],
      ['node.id', String(id)],
      ['log.dirs', place],
    ]
    const properties = new Map([...shared, ...own, ...options.config, ...identity])
    return { name, id, role, host, port, directory: place, properties }
  }
  const controllers = controllerPorts.map((port, index) =>
    node('controller', CONTROLLER_ID + index, port, [['listeners', `CONTROLLER://${addressOf(host, port)}`]]),
  )
  const brokers = brokerPorts.map((port, index) =>
    node('broker', index + 1, port, [
      ['listeners', `PLAINTEXT://${addressOf(host, port)}`],
      ['offsets.topic.replication.factor', String(replicas)],
      ['transaction.state.log.replication.factor', String(replicas)],
      ['transaction.state.log.min.isr', String(minInsync)],
    ]),
  )
  return [...controllers, ...brokers]
}

function checkCount(what: string, count: number, most: number): void {
  if (count >= 1 && count <= most) return
  throw new OperationalError('CONFIG_INVALID', `A local cluster has 1 to ${most} ${what}, not ${count}.`)
}

/**
 * Formats the directories that aren't yet: those of a new cluster, or of brokers that join one which is there.
 * @throws OperationalError WRONG_CLUSTER if they belong to different clusters, CONFIG_INVALID if the number of controllers
 *   is another than before.
 */
export async function formatLocalNodes(
  world: World,
  directory: string,
  nodes: readonly LocalNode[],
  logger: Logger,
): Promise<string> {
  const found = new Map<LocalNode, MetaProperties | null>()
  for (const node of nodes) found.set(node, await readMetaProperties(world.disk, node.directory))
  const clusterId = knownCluster(found) ?? randomUuid(world.random)
  const asked = nodes.filter(({ role }) => role === 'controller').length
  const made = await localControllers(world, directory)
  // A quorum without most of its voters would wait for ever.
  if (made > asked) {
    throw new OperationalError(
      'CONFIG_INVALID',
      `This cluster was made with ${made} controllers: start it with as many.`,
    )
  }
  const values = bootstrapValues(METADATA_VERSION_LATEST, newClusterFeatures(METADATA_VERSION_LATEST))
  const created: string[] = []
  for (const node of nodes) {
    if (found.get(node) !== null) continue
    created.push(node.name)
    await formatDirectory({
      ...world,
      directory: node.directory,
      clusterId,
      nodeId: node.id,
      directoryId: randomUuid(world.random),
      bootstrapValues: values,
      voters: null,
    })
  }
  if (created.length > 0) logger.info(`Formatted ${created.join(', ')} for the cluster ${clusterId}`)
  return clusterId
}

/** Controllers that a cluster was made with in `directory`; 0 if there is none yet. */
export async function localControllers(world: World, directory: string): Promise<number> {
  for (let count = 0; ; count++) {
    const properties = await readMetaProperties(world.disk, `${directory}/controller-${CONTROLLER_ID + count}`)
    if (properties === null) return count
  }
}

/** Null: none is formatted. */
function knownCluster(found: ReadonlyMap<LocalNode, MetaProperties | null>): string | null {
  let clusterId: string | null = null
  const controllers = { present: 0, absent: 0 }
  for (const [node, properties] of found) {
    if (node.role === 'controller') controllers[properties === null ? 'absent' : 'present']++
    if (properties === null) continue
    if (clusterId !== null && properties.clusterId !== clusterId) {
      throw new OperationalError(
        'WRONG_CLUSTER',
        `${node.directory} belongs to the cluster ${properties.clusterId}, others to ${clusterId}.`,
      )
    }
    clusterId = properties.clusterId
  }
  if (clusterId === null || controllers.absent === 0) return clusterId
  throw new OperationalError(
    'CONFIG_INVALID',
    controllers.present === 0
      ? `There are brokers of the cluster ${clusterId} and none of its controllers: their directories are gone.`
      : `The cluster ${clusterId} was made with fewer controllers (${controllers.present}): start it with as many.`,
  )
}
