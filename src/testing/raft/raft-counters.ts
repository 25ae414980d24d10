/**
 * What must happen, and in how many of a hundred seeds at least: a run in which nothing happens proves nothing. A floor is far
 * enough below what is usual that chance doesn't break it.
 */
export const RAFT_COUNTERS = {
  'leader elected': 90,
  'vote refused': 90,
  'election lost': 55,
  'log truncated': 55,
  'snapshot fetched': 20,
  'check quorum': 90,
  'voter added': 2,
  'voter removed': 5,
  'voter change refused': 15,
  'leader removed': 2,
  'voter change cut off': 20,
  'power loss lost entries': 20,
  crash: 50,
  partition: 80,
  resignation: 2,
  'static voters': 10,
  'kraft.version raised': 5,
  'kraft.version refused': 2,
  'kraft.version cut off': 2,
  observer: 25,
  'voter crashed after its vote': 20,
  'voter asked twice': 2,
  'votes came late': 5,
  'longer log of an older epoch': 10,
} as const satisfies Readonly<Record<string, number>>
export type RaftCounter = keyof typeof RAFT_COUNTERS
