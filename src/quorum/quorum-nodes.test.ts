/** Quorums of several nodes with real files: what consensus decides is on each disk, through crashes, snapshots and voter changes. */
import { expect, test } from 'vitest'
import { ZERO_UUID } from '../base/uuid.ts'
import type { RaftRequest } from '../raft/messages.ts'
import { QuorumNodes, quorumVoter } from '../testing/quorum-nodes.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import type { Quorum } from './quorum.ts'
import { snapshotName } from './snapshot-files.ts'

/** Asks for a vote in an epoch that is new to everybody: what is answered must be on disk. */
const voteFor = (candidate: number, epoch = 99): RaftRequest => ({
  kind: 'vote',
  voter: null,
  candidate: quorumVoter(candidate),
  epoch,
  lastEpoch: 98,
  lastOffset: 1000,
  preVote: false,
})
const value = (text: string): Buffer => Buffer.from(text)

async function withNodes(ids: readonly number[], run: (nodes: QuorumNodes, world: SeededWorld) => Promise<void>) {
  const world = new SeededWorld(3)
  await world.run(async () => {
    const nodes = new QuorumNodes(world, ids)
    for (const id of ids) await nodes.format(id)
    for (const id of ids) await nodes.start(id)
    await world.advance(4000)
    await run(nodes, world)
    for (const id of [...nodes.quorums.keys()]) await nodes.stop(id)
  })
}

function others(nodes: QuorumNodes, leader: Quorum): number[] {
  return [...nodes.quorums.keys()].filter((id) => id !== leader.nodeId)
}

test('three nodes elect a leader, and what it appends is committed and handed over on all', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    const leader = nodes.leader!
    leader.append([value('a'), value('b')])
    leader.append([value('c')])
    await world.advance(1000)
    expect(leader.committedEnd).toBe(leader.endOffset)
    for (const id of [1, 2, 3]) expect(nodes.quorums.get(id)!.committedEnd).toBe(leader.endOffset)
    for (const id of others(nodes, leader)) expect(nodes.logs.get(id)!.values).toEqual(['a', 'b', 'c'])
    const state = (await world.disk.readFile(`/node-${leader.nodeId}/__cluster_metadata-0/quorum-state`))!.toString()
    expect(JSON.parse(state)).toMatchObject({
      leaderId: leader.nodeId,
      leaderEpoch: leader.epoch,
      votedId: -1,
      data_version: 1,
    })
  })
})

test('the leader stops: another one leads, and what was committed is there, also on the one that comes back', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    const first = nodes.leader!
    first.append([value('a')])
    await world.advance(600)
    const { nodeId, epoch } = first
    await nodes.stop(nodeId)
    await world.advance(6000)
    const second = nodes.leader!
    expect(second.epoch).toBeGreaterThan(epoch)
    second.append([value('b')])
    await world.advance(600)
    await nodes.start(nodeId)
    await world.advance(3000)
    expect(nodes.logs.get(nodeId)!.values).toEqual(['a', 'b'])
    expect(nodes.quorums.get(nodeId)!.leader.leaderId).toBe(second.nodeId)
  })
})

test('what a leader appends alone is cut off when it comes back', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    const first = nodes.leader!
    first.append([value('kept')])
    await world.advance(600)
    nodes.cutOff.add(first.nodeId)
    first.append([value('lost')])
    await world.advance(8000)
    nodes.leader!.append([value('next')])
    await world.advance(600)
    nodes.cutOff.clear()
    await world.advance(4000)
    expect(first.isLeader).toBe(false)
    expect(nodes.logs.get(first.nodeId)!.values).toEqual(['kept', 'next'])
    expect(first.endOffset).toBe(nodes.leader!.endOffset)
  })
})

test('a node that was away gets the snapshot, its log starts over there, and it has all', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    const leader = nodes.leader!
    const [away = 0] = others(nodes, leader)
    await nodes.stop(away)
    for (const text of ['a', 'b', 'c']) leader.append([value(text)])
    await world.advance(600)
    const snapshotAt = async (values: string[]): Promise<number> => {
      const offset = leader.committedEnd - 1
      await leader.writeSnapshot({ offset, epoch: leader.epoch, timestampMs: 1 }, values.map(value))
      return offset + 1
    }
    await snapshotAt(['a', 'b', 'c'])
    leader.append([value('d')])
    await world.advance(600)
    const end = await snapshotAt(['a', 'b', 'c', 'd'])
    leader.append([value('e')])
    await world.advance(600)
    await nodes.start(away)
    await world.advance(4000)
    expect(nodes.logs.get(away)!).toMatchObject({ values: ['a', 'b', 'c', 'd', 'e'] })
    const files = (await world.disk.list(`/node-${away}/__cluster_metadata-0`))!.map(({ name }) => name)
    expect(files).toContain(snapshotName({ endOffset: end, epoch: leader.epoch }))
    expect(files).toContain(`${String(end).padStart(20, '0')}.log`)
    expect(files.filter((name) => name.endsWith('.part'))).toEqual([])
    // It starts from that again.
    await nodes.stop(away)
    await nodes.start(away)
    await world.advance(3000)
    expect(nodes.logs.get(away)!.values).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
})

test('a node whose snapshot holds all that is committed hears from the leader that it does', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    const leader = nodes.leader!
    leader.append([value('a')])
    await world.advance(600)
    const [id = 0] = others(nodes, leader)
    const { committedEnd, epoch } = leader
    const provenance = { offset: committedEnd - 1, epoch, timestampMs: 1 }
    await nodes.quorums.get(id)!.writeSnapshot(provenance, [value('a')])
    await nodes.stop(id)
    const told: (number | null)[] = []
    const again = await nodes.start(id)
    again.onCommitted((end) => told.push(end, again.leaderCommittedEnd))
    await world.advance(3000)
    expect(told.slice(-2)).toEqual([committedEnd, committedEnd])
  })
})

test('all lose power: what was committed is there after they start again', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    nodes.leader!.append([value('a')])
    await world.advance(600)
    nodes.leader!.append([value('b')])
    world.main.powerLoss()
    world.main.disk.heal()
    nodes.quorums.clear()
    for (const id of [1, 2, 3]) await nodes.start(id)
    await world.advance(6000)
    for (const id of [1, 2, 3]) expect(nodes.logs.get(id)!.values[0]).toBe('a')
    expect(new Set([1, 2, 3].map((id) => nodes.quorums.get(id)!.committedEnd)).size).toBe(1)
  })
})

test('a controller observes, is added as a voter, and another is removed', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    await nodes.format(4)
    await nodes.start(4)
    await world.advance(2000)
    const leader = nodes.leader!
    const { id, directoryId, endpoints } = quorumVoter(4)
    const added = leader.request({ kind: 'addVoter', voter: { id, directoryId }, endpoints, ackWhenCommitted: true })
    await world.advance(1000)
    expect(await added).toMatchObject({ error: 'NONE' })
    expect(nodes.quorums.get(4)!.voters.map((voter) => voter.id)).toEqual([1, 2, 3, 4])
    const [gone = 0] = others(nodes, leader)
    const removed = leader.request({ kind: 'removeVoter', voter: quorumVoter(gone) })
    await world.advance(1000)
    expect(await removed).toMatchObject({ error: 'NONE' })
    expect(leader.status()!.voters.map(({ voter }) => voter.id)).not.toContain(gone)
    expect(leader.status()!.observers.map(({ key }) => key.id)).toEqual([gone])
  })
})

test('a broker observes without a vote, and doesn’t sync what it follows', async () => {
  await withNodes([1], async (nodes, world) => {
    await nodes.format(9)
    const observer = await nodes.start(9, { mayVote: false, endpoints: [] })
    nodes.leader!.append([value('a')])
    await world.advance(1500)
    expect(observer.role).toBe('follower')
    expect(nodes.logs.get(9)!.values).toEqual(['a'])
    expect(observer.leaderCommittedEnd).toBe(nodes.leader!.committedEnd)
    expect(observer.kraftVersion).toBe(1)
  })
})

test('static voters elect too, and each keeps them in its quorum-state file of version 0', async () => {
  const world = new SeededWorld(8)
  await world.run(async () => {
    const ids = [1, 2, 3]
    const nodes = new QuorumNodes(world, [])
    const staticVoters = ids.map((id) => ({ ...quorumVoter(id), directoryId: ZERO_UUID }))
    for (const id of ids) await nodes.format(id)
    for (const id of ids) await nodes.start(id, { staticVoters })
    await world.advance(5000)
    const leader = nodes.leader!
    leader.append([value('a')])
    await world.advance(1000)
    expect(leader.kraftVersion).toBe(0)
    for (const id of others(nodes, leader)) {
      expect(nodes.logs.get(id)!.values).toEqual(['a'])
      const state = (await world.disk.readFile(`/node-${id}/__cluster_metadata-0/quorum-state`))!.toString()
      const currentVoters = ids.map((voterId) => ({ voterId }))
      expect(JSON.parse(state)).toMatchObject({ leaderId: leader.nodeId, currentVoters, data_version: 0 })
    }
    const added = leader.request({
      kind: 'addVoter',
      voter: quorumVoter(4),
      endpoints: quorumVoter(4).endpoints,
      ackWhenCommitted: true,
    })
    expect(await added).toMatchObject({ error: 'UNSUPPORTED_VERSION' })
    const { nodeId } = leader
    await nodes.stop(nodeId)
    await world.advance(6000)
    nodes.leader!.append([value('b')])
    await nodes.start(nodeId, { staticVoters })
    await world.advance(3000)
    expect(nodes.logs.get(nodeId)!.values).toEqual(['a', 'b'])
    for (const id of ids) await nodes.stop(id)
  })
})

test('a listener that throws stops the log of its node, and the others go on', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    const leader = nodes.leader!
    const [id = 0] = others(nodes, leader)
    const follower = nodes.quorums.get(id)!
    const failures: string[] = []
    follower.onFailed(({ message }) => failures.push(message))
    follower.onRoleChanged(() => {
      throw new Error(`bug: ${follower.role}`)
    })
    // It hears of another leader in the answer to a request.
    await nodes.stop(leader.nodeId)
    await world.advance(6000)
    expect(failures).toHaveLength(1)
    expect(follower.role).toBe('stopped')
  })
})

test('a disk that fails leaves nobody waiting: what was asked, and what the leader held, is refused', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    const leader = nodes.leader!
    const [id = 0] = others(nodes, leader)
    // No majority has it, so it stays pending.
    for (const other of others(nodes, leader)) nodes.cutOff.add(other)
    const removed = leader.changeVoters({ kind: 'removeVoter', voter: quorumVoter(id) })
    world.main.disk.failNext({ kinds: ['write'], path: 'quorum-state', code: 'EIO' })
    const asked = leader.request(voteFor(id))
    const outcomes = Promise.allSettled([removed, asked])
    await world.advance(1000)
    expect(leader.role).toBe('stopped')
    const reason = expect.objectContaining({ code: 'BROKER_NOT_AVAILABLE' }) as unknown
    const refused = { status: 'rejected', reason }
    expect(await Promise.race([outcomes, 'they wait'])).toEqual([refused, refused])
  })
})

test('a node that is closed while it saves its vote ends only when that is on disk, and the vote is given', async () => {
  await withNodes([1, 2, 3], async (nodes, world) => {
    const [id = 0, other = 0] = others(nodes, nodes.leader!)
    let hasVoted = false
    // Each is saved behind the one before: that takes longer than to close the log.
    const votes = [voteFor(other, 99), voteFor(other, 100), voteFor(other, 101)].map((vote) =>
      nodes.quorums.get(id)!.request(vote),
    )
    const all = Promise.all(votes).then(() => {
      hasVoted = true
    })
    await nodes.stop(id)
    expect(hasVoted).toBe(true)
    await all
    const state = (await world.disk.readFile(`/node-${id}/__cluster_metadata-0/quorum-state`))!.toString()
    expect(JSON.parse(state)).toMatchObject({ leaderEpoch: 101, votedId: other })
  })
})
