/** Topics with rules of their own. */
export const CONSUMER_OFFSETS = '__consumer_offsets'
export const TRANSACTION_STATE = '__transaction_state'
export const SHARE_GROUP_STATE = '__share_group_state'

const INTERNAL: ReadonlySet<string> = new Set([CONSUMER_OFFSETS, TRANSACTION_STATE, SHARE_GROUP_STATE])

/** Only coordinators write to it. */
export const isInternal = (topic: string): boolean => INTERNAL.has(topic)
