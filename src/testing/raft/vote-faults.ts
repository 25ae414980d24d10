/**
 * Moments that decide what a vote is worth, brought about on purpose: chance alone seldom has two candidates in one epoch, since who
 * stands has asked before whether it could win (KIP-996). The network keeps votes back until the moment is there.
 */
import type { RaftRequest } from '../../raft/messages.ts'
import { waitFor, type ChaosHost } from './chaos-host.ts'
import { directoryOf, type RaftCluster } from './raft-cluster.ts'
import type { Replica } from './replica.ts'

/** More than a follower waits for its leader, and then an election. */
const WAIT_MS_MAX = 4500
const STEP_MS = 5
/** For followers to come to the leader's end. */
const REST_MS = 1500

/**
 * Two stand in one epoch, each with half of the others, and whoever is asked by both votes for the first. Then, mostly, it
 * crashes, and starts again before the second asks.
 */
export function splitVote(host: ChaosHost): void {
  const { cluster, random } = host
  const leader = allFollow(host)
  if (leader === null) return
  const { voters } = leader.raft!.voterSet
  const others = random.shuffle(voters.filter(({ id }) => id !== leader.id)).map(({ id }) => cluster.replica(id))
  // Whom two majorities have in common; the leader of before is one of them.
  const shared = 2 * (Math.floor(voters.length / 2) + 1) - voters.length
  const witnesses = [leader, ...others.splice(0, shared - 1)]
  const camps = [others.slice(0, others.length / 2), others.slice(others.length / 2)]
  const [first, second] = camps.map(([rival]) => rival)
  if (first === undefined || second === undefined) return
  host.say(`nodes ${first.id} and ${second.id} will stand, and ${idsOf(witnesses)} choose`)
  for (const one of camps[0]!) for (const other of camps[1]!) cutBetween(cluster, one, other)
  cluster.keepBack(isVote)
  leader.stop()
  // Who hasn't heard from a leader in this life holds nobody back.
  for (const one of [...witnesses, ...others]) if (one !== leader && one !== first && one !== second) restart(one)
  const arePresent = waitFor(
    host,
    () => first.raft?.role === 'prospective' && second.raft?.role === 'prospective',
    WAIT_MS_MAX,
  )
  restart(leader)
  const doStand = (): boolean =>
    first.raft?.role === 'candidate' && second.raft?.role === 'candidate' && first.raft.epoch === second.raft.epoch
  if (arePresent && waitFor(host, doStand, WAIT_MS_MAX)) choose(host, witnesses, first, second)
  cluster.letThrough()
  cluster.cut.clear()
}

function choose(host: ChaosHost, witnesses: readonly Replica[], first: Replica, second: Replica): void {
  const { cluster, random } = host
  const { epoch } = first.raft!
  host.say(`nodes ${first.id} and ${second.id} stand in epoch ${epoch}`)
  if (random.chance(0.5)) {
    // They hear of the epoch from somebody who gets no vote: it is on disk before the vote is.
    const candidate = { id: second.id, directoryId: directoryOf(second.id) }
    for (const witness of witnesses) {
      const voter = { id: witness.id, directoryId: directoryOf(witness.id) }
      witness.receive({ kind: 'vote', voter, candidate, epoch, lastEpoch: 0, lastOffset: 0, preVote: true }, () => {})
    }
    host.run(STEP_MS * 2)
  }
  const left = new Set(witnesses.map(({ id }) => id))
  const doCrash = random.chance(0.7)
  cluster.onVote = (voter, candidateId) => {
    if (candidateId === first.id) left.delete(voter.id)
  }
  cluster.letThrough((from, to) => from === first && witnesses.includes(to))
  waitFor(host, () => left.size === 0, STEP_MS * 20)
  cluster.onVote = null
  if (left.size > 0) return
  if (doCrash) {
    host.say(`nodes ${idsOf(witnesses)} crash after their vote for node ${first.id}`)
    for (const witness of witnesses) restart(witness)
  }
  host.sometimes(doCrash ? 'voter crashed after its vote' : 'voter asked twice')
  cluster.letThrough((from, to) => from === second && witnesses.includes(to))
  host.run(STEP_MS * 20)
}

/** Who could have won when it asked stands, and its requests for votes arrive when others have committed what it hasn't. */
export function lateVotes(host: ChaosHost): void {
  const { cluster, random } = host
  const leader = allFollow(host)
  if (leader === null) return
  const { voters } = leader.raft!.voterSet
  const [rival, ...others] = random
    .shuffle(voters.filter(({ id }) => id !== leader.id))
    .map(({ id }) => cluster.replica(id))
  if (rival === undefined || others.length === 0) return
  host.say(`node ${rival.id} will stand, and ask late`)
  cutBetween(cluster, rival, leader)
  cluster.keepBack(({ kind }) => kind === 'vote')
  if (waitFor(host, () => rival.raft?.role === 'prospective', WAIT_MS_MAX)) {
    // Those that start now haven't heard from the leader, until they do.
    for (const other of others) restart(other)
    cluster.keepBack((request) => request.kind === 'fetch' || isVote(request))
    const doesStand = waitFor(host, () => rival.raft?.role === 'candidate', WAIT_MS_MAX)
    cluster.keepBack(isVote)
    for (let write = 1 + random.below(3); write > 0; write--) host.write()
    const { committedEnd } = cluster.checks
    const isCommitted = waitFor(host, () => cluster.checks.committedEnd > committedEnd, STEP_MS * 100)
    if (doesStand && isCommitted && rival.raft?.role === 'candidate') host.sometimes('votes came late')
  }
  cluster.letThrough()
  host.run(STEP_MS * 20)
  cluster.cut.clear()
}

/** Who led comes back with a log that is longer than that of its successor's followers, and older: they may not vote for it. */
export function longOldLog(host: ChaosHost): void {
  const { cluster, random } = host
  const leader = allFollow(host)
  if (leader === null) return
  host.say(`node ${leader.id} will write alone, and ask for votes when its successor is gone`)
  for (const other of cluster.replicas) if (other !== leader) cutBetween(cluster, leader, other)
  for (let write = 4 + random.below(4); write > 0; write--) host.write()
  host.run(STEP_MS * 4)
  leader.stop()
  cluster.cut.clear()
  const { committedEnd } = cluster.checks
  const isSucceeded = waitFor(host, () => cluster.checks.committedEnd > committedEnd, WAIT_MS_MAX * 2)
  const successor = cluster.leader
  if (!isSucceeded || successor === null) return
  successor.stop()
  for (const other of cluster.replicas) if (other.isUp && random.chance(0.5)) restart(other)
  leader.start()
  host.sometimes('longer log of an older epoch')
  host.run(WAIT_MS_MAX)
  if (!successor.isUp) successor.start()
}

/** The leader of a quorum at rest; null if there is none, or too few voters. */
function allFollow(host: ChaosHost): Replica | null {
  const { cluster } = host
  cluster.cut.clear()
  for (const replica of cluster.replicas) if (!replica.isUp) replica.start()
  if (!waitFor(host, () => cluster.leader !== null, WAIT_MS_MAX)) return null
  host.run(REST_MS)
  const { leader } = cluster
  return leader !== null && leader.raft!.voterSet.voters.length >= 3 ? leader : null
}

function restart(replica: Replica): void {
  replica.stop()
  replica.start()
}

function isVote(request: RaftRequest): boolean {
  return request.kind === 'vote' && !request.preVote
}

function cutBetween({ cut }: RaftCluster, one: Replica, other: Replica): void {
  cut.add(`${one.id} ${other.id}`).add(`${other.id} ${one.id}`)
}

function idsOf(replicas: readonly Replica[]): string {
  return replicas.map(({ id }) => id).join(' and ')
}
