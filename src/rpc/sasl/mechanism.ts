/** What a SASL mechanism is to the client: a conversation of tokens. */
import type { Clock, Random } from '../../world/world.ts'

export interface SaslSetting {
  readonly clock: Clock
  readonly random: Random
  /** Whom the client means to speak to. */
  readonly host: string
}

/** One attempt to prove who we are. Both throw KafkaError SASL_AUTHENTICATION_FAILED where the broker's word is not right. */
export interface SaslConversation {
  /** What is said first. */
  readonly first: Buffer
  /** What is said to a token of the broker; null: nothing more, we are satisfied. */
  answer(challenge: Buffer): Buffer | null
}

export interface SaslMechanism {
  /** As sasl.mechanism has it. */
  readonly name: string
  begin(setting: SaslSetting): Promise<SaslConversation>
}
