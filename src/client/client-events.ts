/**
 * What a client tells to whoever listens, by named channels: the shape of node:diagnostics_channel without the module, so that
 * the client stays free of the machine. The package's entry gives the real channels; without a sink nobody listens.
 *
 * Channels are `klamm:<who>:<what>`. Messages are plain objects, made only if somebody listens.
 */

export interface EventChannel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

/** The channel of a name; asked once per client and name. */
export type EventSink = (name: `klamm:${string}`) => EventChannel

const UNHEARD: EventChannel = { hasSubscribers: false, publish: () => {} }

/** Nobody listens. */
export const NO_EVENTS: EventSink = () => UNHEARD
