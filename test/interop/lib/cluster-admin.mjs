/**
 * Questions about a cluster, asked by Klamm's client in a process of its own, which may be in another network than the suite:
 * a line `{"id":1,"ask":"nodes"}` on standard input is answered by a line `{"id":1,"answer":…}` or `{"id":1,"error":"…"}`. With `at`, an
 * address, it is that node's view.
 */
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../../scripts/setup.mjs'

const { isRetriable, Klamm } = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href)
const TRIES_MAX = 10
const admins = new Map()

function adminOf(brokers) {
  let admin = admins.get(brokers)
  if (admin === undefined) {
    const patience = { requestTimeoutMs: 3000, connectTimeoutMs: 1000, callTimeoutMs: 6000, metadataMaxAgeMs: 1000 }
    admin = new Klamm({ brokers, clientId: 'suite', ...patience }).admin()
    admins.set(brokers, admin)
  }
  return admin
}

const ids = (nodes) => nodes.map(({ id }) => id).sort((left, right) => left - right)

const QUESTIONS = {
  nodes: async (admin) => ids((await admin.describeCluster()).nodes),
  /** Who was not answered in time may find that it was done. */
  create: async (admin, { topics }) => {
    for (let tries = 1; ; tries++) {
      const failures = await admin.createTopics(topics).then(
        (outcomes) => [...outcomes.errors().values()],
        (error) => [error],
      )
      const isDone = (error) => tries > 1 && error.code === 'TOPIC_ALREADY_EXISTS'
      const failure = failures.find((error) => !isDone(error))
      if (failure === undefined) return
      if (!isRetriable(failure) || tries === TRIES_MAX) throw failure
    }
  },
  delete: async (admin, { topics }) => {
    await (await admin.deleteTopics(topics)).all()
  },
  quorum: async (admin) => {
    const { leaderId, leaderEpoch, highWatermark, voters } = await admin.describeMetadataQuorum()
    const end = Number(highWatermark)
    return { leaderId, leaderEpoch, highWatermark: end, voters: voters.map(({ replicaId }) => replicaId) }
  },
  /** Of every topic, internal ones too. */
  partitions: async (admin) => {
    const listed = await admin.listTopics({ listInternal: true })
    const names = [...(listed instanceof Map ? listed.keys() : listed)].map((one) =>
      typeof one === 'string' ? one : one.name,
    )
    const partitions = []
    for (const { name, partitions: all } of (await admin.describeTopics(names)).all().values()) {
      for (const { partition, leader, replicas, isr } of all) {
        partitions.push({ topic: name, partition, leader: leader?.id ?? null, replicas: ids(replicas), isr: ids(isr) })
      }
    }
    return partitions
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ask, at = process.argv[2], ...how } = JSON.parse(line)
  const asked = async () => {
    const question = QUESTIONS[ask]
    if (question === undefined) throw new Error(`there is no question ${ask}`)
    return question(adminOf(at), how)
  }
  void asked().then(
    (answer) => console.log(JSON.stringify({ id, answer: answer ?? null })),
    (error) => console.log(JSON.stringify({ id, error: String(error?.stack ?? error) })),
  )
}
process.exit(0)
