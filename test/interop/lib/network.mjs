/**
 * A network of its own for each member of a cluster: Linux network namespaces on one bridge, which is in a namespace too, so that
 * nothing of it is seen or reached from outside. Packets are lost one way or both, silently, as by a firewall: who shall not
 * reach a neighbour is given a wrong hardware address for it. That needs no module of the kernel but veth and bridge.
 */
import { execFileSync } from 'node:child_process'
import { debian } from './install.mjs'

const HINT =
  'the fault suite partitions real processes, which needs network namespaces: run it as root with CAP_NET_ADMIN and ' +
  'CAP_SYS_ADMIN (a container: --privileged), on a kernel with veth and bridge'

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] })

export class Network {
  #prefix
  #hosts = new Map()
  #cleanUp = () => this.close()

  /**
   * @param {readonly (string | number)[]} names
   * @throws Error that says what is missing
   */
  static async make(names) {
    await debian('ip', ['-V'], 'iproute2')
    const network = new Network(`klamm-${process.pid}-`)
    process.on('exit', network.#cleanUp)
    try {
      network.#build(names)
    } catch (error) {
      network.close()
      throw new Error(`${HINT}: ${String(error.stderr ?? error).trim()}`)
    }
    return network
  }

  constructor(prefix) {
    this.#prefix = prefix
  }

  #build(names) {
    const hub = `${this.#prefix}hub`
    ip('netns', 'add', hub)
    ip('-n', hub, 'link', 'add', 'hub', 'type', 'bridge')
    ip('-n', hub, 'link', 'set', 'hub', 'up')
    for (const [index, name] of names.entries()) {
      const number = index + 1
      const namespace = `${this.#prefix}${name}`
      const host = { namespace, address: `10.77.0.${number}`, hardware: `02:00:00:00:77:0${number}` }
      this.#hosts.set(name, host)
      ip('netns', 'add', namespace)
      ip('-n', namespace, 'link', 'set', 'lo', 'up')
      ip('link', 'add', `port${number}`, 'netns', hub, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
      ip('-n', hub, 'link', 'set', `port${number}`, 'master', 'hub', 'up')
      ip('-n', namespace, 'link', 'set', 'eth0', 'address', host.hardware)
      ip('-n', namespace, 'addr', 'add', `${host.address}/24`, 'dev', 'eth0')
      ip('-n', namespace, 'link', 'set', 'eth0', 'up')
    }
    this.heal()
  }

  /** @param {string | number} name */
  address(name) {
    return this.#hosts.get(name).address
  }

  /**
   * A command in the network of one of them: its process is the command's.
   * @param {string | number} name
   * @param {string} command
   * @param {readonly string[]} args
   * @returns {[string, string[]]}
   */
  within(name, command, args) {
    return ['ip', ['netns', 'exec', this.#hosts.get(name).namespace, command, ...args]]
  }

  /** What `from` sends to `to` is lost from now on. */
  lose(from, to) {
    this.#neighbour(from, to, '02:00:00:00:ff:ff')
  }

  heal() {
    for (const from of this.#hosts.keys()) {
      for (const to of this.#hosts.keys()) if (from !== to) this.#neighbour(from, to, this.#hosts.get(to).hardware)
    }
  }

  #neighbour(from, to, hardware) {
    const { namespace } = this.#hosts.get(from)
    const { address } = this.#hosts.get(to)
    ip('-n', namespace, 'neigh', 'replace', address, 'lladdr', hardware, 'dev', 'eth0', 'nud', 'permanent')
  }

  close() {
    process.off('exit', this.#cleanUp)
    for (const name of ['hub', ...this.#hosts.keys()]) {
      try {
        ip('netns', 'del', `${this.#prefix}${name}`)
      } catch {
        // it was not made
      }
    }
    this.#hosts.clear()
  }
}
