/**
 * Which faults come when: from a seed, so that a run can be repeated (the machine's own timing apart). A fault ends before the next
 * begins. Its target is a role (`leader` of a partition, `controller`) or a node; who that is is looked up when it begins.
 */
import { random } from '../lib/random.mjs'

/** How often each kind comes. */
const KINDS = [
  ['kill', 4], // kill -9, started again
  ['kill-all', 1], // all nodes at once
  ['stop', 1], // controlled shutdown
  ['pause', 3], // SIGSTOP, SIGCONT
  ['isolate', 3], // nobody reaches it, nor it anybody
  ['isolate-from-peers', 3], // clients still reach it
  ['mute', 2], // hears its peers, is not heard by them
  ['deaf', 2], // is heard by its peers, does not hear them
  ['split', 2], // it and one other node do not reach each other: the third reaches both
  ['hide-from-clients', 1],
]
const TARGETS = ['leader', 'controller', 1, 2, 3]

/**
 * @param {number} seed
 * @param {{ seconds: number, everySeconds: number, kinds?: readonly string[] }} options
 * @returns {{ atMs: number, forMs: number, kind: string, target: string | number, other: number }[]} `other` 0 or 1: which of the two others
 */
export function faultPlan(seed, { seconds, everySeconds, kinds = KINDS.map(([kind]) => kind) }) {
  const next = random(seed)
  const choices = KINDS.filter(([kind]) => kinds.includes(kind)).flatMap(([kind, weight]) => Array(weight).fill(kind))
  const pick = (list) => list[Math.floor(next() * list.length)]
  const plan = []
  for (let at = Math.min(5, everySeconds); at + everySeconds <= seconds; at += everySeconds) {
    // Some end before anybody noticed, some after the session of a broker and the patience of a leader have run out.
    const forMs = Math.round(everySeconds * 1000 * (0.05 + 0.5 * next()))
    plan.push({ atMs: at * 1000, forMs, kind: pick(choices), target: pick(TARGETS), other: Math.floor(next() * 2) })
  }
  return plan
}

/**
 * The packets that a fault loses: pairs [from, to], of nodes and `clients`.
 * @param {{ kind: string, other: number }} fault
 * @param {number} node
 * @param {readonly number[]} nodes
 */
export function lostBetween({ kind, other }, node, nodes) {
  const peers = nodes.filter((one) => one !== node)
  const from = peers.map((peer) => [peer, node])
  const to = peers.map((peer) => [node, peer])
  const clients = [
    ['clients', node],
    [node, 'clients'],
  ]
  const lost = {
    isolate: [...from, ...to, ...clients],
    'isolate-from-peers': [...from, ...to],
    mute: to,
    deaf: from,
    split: [
      [node, peers[other]],
      [peers[other], node],
    ],
    'hide-from-clients': clients,
  }
  return lost[kind] ?? []
}
