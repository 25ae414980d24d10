/**
 * An operator who adds voters to the quorum and removes some (KIP-853), whatever goes wrong meanwhile, and what is true of
 * the voters afterwards: what he was told, and the same on every controller.
 *
 * Two voters are always left. Of two, a leader that removes itself and dies before the other has the record leaves a quorum that can't
 * elect, in Kafka too: the other's log is shorter, and it is no voter in its own.
 */
import type { SeededRandom } from '../seeded-random.ts'
import { clientOfControllers, expectedError } from './clients.ts'
import type { ClusterNode } from './cluster-node.ts'
import { HEAL_MS_MAX, type ClusterSim } from './cluster-sim.ts'

const VOTERS_MIN = 2

/** What an operator knows of one controller; `perhaps` once an answer was uncertain: it may come true at any time. */
type Known = 'voter' | 'observer' | 'perhaps'

export async function changeVoters(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const kafka = clientOfControllers(sim, 'quorum-operator')
  const admin = kafka.admin()
  const known = new Map<ClusterNode, Known>(
    sim.controllers.map((node) => [node, node.isVoter ? 'voter' : 'observer'] as const),
  )
  const change = async (node: ClusterNode, isAddition: boolean): Promise<void> => {
    const { id, directoryId, endpoints } = node
    if (isAddition) await admin.addRaftVoter(id, directoryId, endpoints)
    else await admin.removeRaftVoter(id, directoryId)
  }
  while (!sim.stopping) {
    await sim.sleep(random.between(300, 4000))
    if (sim.healedAtMs !== null) continue
    const node = sim.controllers[random.below(sim.controllers.length)]
    if (node === undefined) break
    const was = known.get(node)
    const isAddition = was === 'perhaps' ? random.chance(0.5) : was === 'observer'
    const others = [...known].filter(([other, what]) => other !== node && what === 'voter').length
    if (!isAddition && others < VOTERS_MIN) continue
    try {
      sim.note('operator', `${isAddition ? 'adds' : 'removes'} the voter ${node.name}`)
      await change(node, isAddition)
      sim.sometimes(isAddition ? 'voter added' : 'voter removed')
      if (was !== 'perhaps') known.set(node, isAddition ? 'voter' : 'observer')
    } catch (error) {
      const code = expectedError(sim, error)
      sim.sometimes('voter change refused')
      sim.note('operator', `the voter ${node.name}: ${code}`)
      // Of what isn't known to be refused, some may have been done: the client asks again when no answer comes.
      known.set(node, 'perhaps')
    }
  }
  await kafka.close()
  checkKnown(sim, known, await agreedVoters(sim))
}

/** Of static voters: at some time they go into the log, if all goes well. Then, too, all controllers know the same. */
export async function raiseKraftVersion(sim: ClusterSim, random: SeededRandom): Promise<void> {
  const kafka = clientOfControllers(sim, 'quorum-operator')
  const admin = kafka.admin()
  let isRaised = false
  const isWanted = random.chance(0.7)
  while (!sim.stopping) {
    await sim.sleep(random.between(1000, 10_000))
    if (isRaised || !isWanted || sim.healedAtMs !== null) continue
    try {
      const outcomes = await admin.updateFeatures([{ feature: 'kraft.version', maxVersionLevel: 1 }])
      for (const [, outcome] of outcomes) if (outcome instanceof Error) throw outcome
      isRaised = true
      sim.sometimes('kraft.version raised')
    } catch (error) {
      sim.note('operator', `kraft.version: ${expectedError(sim, error)}`)
    }
  }
  await kafka.close()
  const voters = await agreedVoters(sim)
  const ids = sim.controllers.map(({ id }) => id)
  sim.check(voters.toSorted().join() === ids.toSorted().join(), () => `the static voters ${ids} are now ${voters}`)
  const level = sim.controllers[0]?.quorum?.kraftVersion
  sim.check(!isRaised || level === 1, () => `kraft.version was raised, and is ${level}`)
}

function checkKnown(sim: ClusterSim, known: ReadonlyMap<ClusterNode, Known>, voters: readonly number[]): void {
  for (const [{ id, name }, what] of known) {
    if (what === 'perhaps') continue
    const isVoter = voters.includes(id)
    sim.check(isVoter === (what === 'voter'), () => `${name} was made ${what}, and the voters are ${voters.join()}`)
  }
}

/** One leads, and every controller knows the same leader and the same voters. */
async function agreedVoters(sim: ClusterSim): Promise<readonly number[]> {
  const views = (): string[] =>
    sim.controllers.map(({ quorum }) => {
      if (quorum === null) return 'down'
      const { leader, voters } = quorum
      const ids = voters.map(({ id, directoryId }) => `${id} ${directoryId}`).sort()
      return leader.leaderId < 0 ? 'no leader' : `leader ${leader.leaderId} in ${leader.epoch} of ${ids.join()}`
    })
  const isAgreed = await sim.waitFor(() => {
    const [first, ...others] = views()
    return first?.startsWith('leader') === true && others.every((other) => other === first)
  }, HEAL_MS_MAX)
  sim.check(isAgreed, () => `the controllers don't agree on their quorum: ${views().join('; ')}`)
  const voters = sim.controllers[0]?.quorum?.voters.map(({ id }) => id) ?? []
  sim.check(voters.length > 0, () => 'the quorum has no voters')
  return voters
}
