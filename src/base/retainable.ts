/**
 * Memory that is given back for reuse when nobody holds it any more: a receive chunk that a frame, a queued disk write,
 * the tail cache and a socket send may all refer to. One missed `retain` corrupts silently, so chunks that came free are
 * poisoned in tests and in the simulator.
 */
export interface Retainable {
  retain(): void
  release(): void
}
