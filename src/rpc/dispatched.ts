/** What whoever takes a connection's requests makes of them. */

/** What becomes of a request. */
export type Outcome =
  /** Send these pieces, then `release` what they refer to. */
  | {
      readonly kind: 'answer'
      readonly pieces: readonly Buffer[]
      readonly release: (() => void) | null
      /** The next request starts no sooner than so long after this answer. */
      readonly muteMs: number
    }
  /** The protocol has no answer here (acks=0). */
  | { readonly kind: 'silent'; readonly muteMs: number }
  /** The request cost its connection. */
  | { readonly kind: 'close'; readonly reason: string }

/** Why a peer's bytes cost its connection: the declared size of a frame, or a sentence about a request. */
export type Refusal = { readonly sizeBytes: number } | { readonly reason: string }

export interface Dispatched {
  readonly outcome: Outcome | Promise<Outcome>
  /** The next request may start before this one is answered. */
  readonly pipelined: boolean
  /** The client may be muted after this one: no more than one request is read ahead. */
  readonly isPaced: boolean
}
