/** Changes of a quorum's voters and of kraft.version, asked for at any moment and of leaders that nobody hears. */
import { waitFor, type ChaosHost } from './chaos-host.ts'
import { directoryOf, voter, type RaftCluster } from './raft-cluster.ts'
import type { Replica } from './replica.ts'

/** More than others wait for their leader, and then elect another. */
const WAIT_MS_MAX = 9000
/** For static voters to tell the leader which versions they know. */
const REST_MS = 2500

function cutOff({ cut, replicas }: RaftCluster, one: Replica): void {
  for (const { id } of replicas) {
    if (id !== one.id) cut.add(`${one.id} ${id}`).add(`${id} ${one.id}`)
  }
}

export function changeVoters(host: ChaosHost): void {
  const { cluster, random } = host
  const { leader } = cluster
  if (leader === null || leader.raft!.voterSet.kraftVersion === 0) return
  const { voters } = leader.raft!.voterSet
  const controllers = cluster.replicas.filter(({ id }) => id < 100)
  const { id } = controllers[random.below(controllers.length)]!
  const isVoter = voters.some((known) => known.id === id)
  if (isVoter && voters.length <= 2) return
  const key = { id, directoryId: directoryOf(id) }
  const request = isVoter
    ? ({ kind: 'removeVoter', voter: key } as const)
    : ({
        kind: 'addVoter',
        voter: key,
        endpoints: voter(id, key.directoryId).endpoints,
        ackWhenCommitted: true,
      } as const)
  host.say(`node ${leader.id} is asked for ${request.kind} ${id}`)
  const isCutOff = random.chance(0.3)
  leader.receive(request, (answer) => {
    const { error } = answer as { error: string }
    host.say(`${request.kind} ${id}: ${error}`)
    if (error !== 'NONE') host.sometimes('voter change refused')
    else host.sometimes(isVoter ? 'voter removed' : 'voter added')
    if (error === 'NONE' && isVoter && id === leader.id) host.sometimes('leader removed')
  })
  if (!isCutOff) return
  // What a leader alone appends must not let it commit alone.
  cutOff(cluster, leader)
  for (const other of voters) {
    if (other.id !== leader.id) leader.receive({ kind: 'removeVoter', voter: other }, () => {})
  }
}

/** At once, while voters may not have told yet, and sometimes by a leader that nobody hears any more. */
export function upgrade(host: ChaosHost): void {
  const { cluster, random } = host
  const { leader } = cluster
  if (leader === null || leader.raft!.voterSet.kraftVersion > 0) return
  if (leader.raft!.upgradeObstacle(1) !== null) {
    host.sometimes('kraft.version refused')
    return
  }
  host.say(`node ${leader.id} raises kraft.version`)
  if (random.chance(0.4)) cutOff(cluster, leader)
  leader.step({ kind: 'upgraded', kraftVersion: 1 })
}

/** A leader that nobody hears changes its voters, or kraft.version, and comes back when another leads: that is cut off again. */
export function changeAlone(host: ChaosHost): void {
  const { cluster, random } = host
  cluster.cut.clear()
  for (const replica of cluster.replicas) if (!replica.isUp) replica.start()
  if (!waitFor(host, () => cluster.leader !== null, WAIT_MS_MAX)) return
  host.run(REST_MS)
  const { leader } = cluster
  const before = leader?.raft?.voterSet
  if (leader === null || before === undefined || before.voters.length < 3) return
  const isStatic = before.kraftVersion === 0
  if (isStatic && leader.raft!.upgradeObstacle(1) !== null) return
  const others = before.voters.filter(({ id }) => id !== leader.id)
  const { id } = others[random.below(others.length)]!
  host.say(`node ${leader.id} is alone, and ${isStatic ? 'raises kraft.version' : `asked to remove voter ${id}`}`)
  cutOff(cluster, leader)
  if (isStatic) leader.step({ kind: 'upgraded', kraftVersion: 1 })
  else leader.receive({ kind: 'removeVoter', voter: { id, directoryId: directoryOf(id) } }, () => {})
  const isAsBefore = (): boolean => {
    const now = leader.raft?.voterSet
    return now?.kraftVersion === before.kraftVersion && now.voters.length === before.voters.length
  }
  const hasChanged = !isAsBefore()
  const isFollowed = waitFor(host, () => cluster.leader !== leader && cluster.leader !== null, WAIT_MS_MAX)
  cluster.cut.clear()
  if (hasChanged && isFollowed && waitFor(host, isAsBefore, WAIT_MS_MAX)) host.sometimes('voter change cut off')
}
