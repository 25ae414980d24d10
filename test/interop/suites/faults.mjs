/**
 * Faults on real processes: three combined nodes, each in a network of its own, are killed, paused and cut off from each other or
 * from their clients, while producers and consumers write down what they see; their history may have no anomaly.
 *
 *     npm run interop -- faults [--peer=klamm|kafka] [--minutes=3] [--every=20] [--seed=N] [--acks=all|1] [--unclean] [--kinds=kill,split]
 *
 * With `--unclean` (acks=1, leaders from out of sync replicas) the checker has to find something: it is the proof that it can.
 */
import { join } from 'node:path'
import { Cluster } from '../lib/cluster.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { Network } from '../lib/network.mjs'
import { sleep } from '../lib/process.mjs'
import { replicasAreEqual } from '../lib/replicas.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { faultPlan, lostBetween } from '../history/fault-plan.mjs'
import { inWords, RunningLoad } from '../history/loads.mjs'

const TOPIC = 'history'
const PARTITIONS = 6
const NODES = [1, 2, 3]

/** Patience that is shorter than a fault, so that leaders and controllers change and ISRs shrink. */
const SETTINGS = {
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'replica.lag.time.max.ms': '3000',
  'log.segment.bytes': '1048576',
}
/** As in a cluster that prefers answers to records. */
const UNCLEAN = { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' }

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const peer = suite.option('peer', 'klamm')
  const isUnclean = suite.option('unclean', 'false') !== 'false'
  const seconds = Number(suite.option('minutes', '3')) * 60
  const everySeconds = Number(suite.option('every', '20'))
  const seed = Number(suite.option('seed', String(Math.floor(Math.random() * 2 ** 31))))
  const acks = suite.option('acks', isUnclean ? '1' : 'all') === '1' ? 1 : 'all'
  // A leader that still takes records of its clients while another is elected: those are lost without acks=all.
  const kinds = suite.option('kinds', isUnclean ? 'isolate-from-peers' : '')
  const jars = peer === 'kafka' ? await maven('kafka-4.3.1', KAFKA) : null
  const network = await Network.make([...NODES, 'clients'])
  try {
    const settings = { ...SETTINGS, ...(isUnclean ? UNCLEAN : {}) }
    const cluster = await Cluster.make(suite, { jars, network, settings })
    await cluster.format(peer)
    await cluster.start(peer)
    await cluster.ask('create', {
      topics: [{ name: TOPIC, numPartitions: PARTITIONS, replicationFactor: NODES.length }],
    })
    const load = RunningLoad.ofKlamm(suite, cluster, {
      topic: TOPIC,
      partitions: PARTITIONS,
      seed,
      acks,
      transactions: !isUnclean,
    })
    const plan = faultPlan(seed, { seconds, everySeconds, ...(kinds === '' ? {} : { kinds: kinds.split(',') }) })
    const faults = new Faults(cluster, network, peer)
    const how = `${peer}, acks=${acks}${isUnclean ? ', unclean elections' : ''}`
    await suite.test(
      `${how}: ${plan.length} faults in ${seconds} s (--seed=${seed})`,
      async () => {
        await load.goesOn()
        await cluster.isFull()
        const startedMs = performance.now()
        for (const fault of plan) {
          await sleep(fault.atMs - (performance.now() - startedMs))
          await faults.play(fault)
          for (const node of cluster.nodes) equal(node.unexpected, null)
        }
        await sleep(seconds * 1000 - (performance.now() - startedMs))
        return faults.told.join('; ')
      },
      (seconds + 180) * 1000,
    )
    await suite.test(
      'every partition is led, with all its replicas in sync, and records are acknowledged',
      async () => {
        await cluster.isFull()
        await load.goesOn()
      },
      180_000,
    )
    await suite.test(
      isUnclean ? 'the checker finds what such a cluster may lose' : 'the history has no anomaly',
      async () => {
        await load.end()
        const judgement = await load.judge()
        const counts = JSON.stringify(judgement.counts)
        if (isUnclean) holds(Object.keys(judgement.counts).length > 0, 'there are anomalies')
        else equal(judgement.anomalies, [], counts)
        const failures =
          judgement.failures.length === 0 ? '' : `; failed: ${judgement.failures.length}, e.g. ${judgement.failures[0]}`
        return `${inWords(judgement)}; ${counts}${failures}`
      },
      400_000,
    )
    await suite.test('the replicas of every partition are equal byte for byte', async () => {
      return await replicasAreEqual(cluster.nodes)
    })
    if (peer === 'klamm') {
      await suite.test('no node met a bug of ours or a broken file', async () => {
        equal(cluster.nodes.flatMap((node) => node.alarms()).slice(0, 20), [])
      })
    }
    await cluster.stop()
    // What happened when, for who reads the logs.
    if (suite.failedCount > 0)
      console.log(`       the history is ${join(suite.directory, `history-${TOPIC}.jsonl`)}\n${faults.told.join('\n')}`)
  } finally {
    network.close()
  }
}

class Faults {
  /** What was done, in words. */
  told = []
  #cluster
  #network
  #peer

  constructor(cluster, network, peer) {
    this.#cluster = cluster
    this.#network = network
    this.#peer = peer
  }

  /** Begins a fault, waits, ends it. */
  async play(fault) {
    const { kind, forMs } = fault
    const id = await this.#target(fault)
    const node = this.#cluster.nodes[id - 1]
    this.told.push(`${new Date().toISOString().slice(11, 23)} ${kind} ${id} (${fault.target}) for ${forMs} ms`)
    if (kind === 'pause') {
      node.pause()
      await sleep(forMs)
      node.resume()
    } else if (kind === 'kill' || kind === 'kill-all' || kind === 'stop') {
      const nodes = kind === 'kill-all' ? this.#cluster.nodes : [node]
      // A node that is asked to leave while another is away may have to wait: it is killed then.
      await Promise.all(nodes.map((one) => one.stop(kind === 'stop' ? 'SIGTERM' : 'SIGKILL', 15_000)))
      await sleep(kind === 'kill-all' ? 0 : forMs)
      for (const one of nodes) one.launch(this.#peer)
    } else {
      for (const [from, to] of lostBetween(fault, id, NODES)) this.#network.lose(from, to)
      await sleep(forMs)
      this.#network.heal()
    }
  }

  async #target({ target }) {
    if (typeof target === 'number') return target
    if (target === 'controller') return (await this.#cluster.tryAsk('quorum'))?.leaderId ?? 1
    const partitions = await this.#cluster.tryAsk('partitions')
    return partitions?.find(({ topic, leader }) => topic === TOPIC && leader !== null)?.leader ?? 2
  }
}
