/**
 * Bit fields of the operations that a client may do on a resource, asked for by `include…AuthorizedOperations`. Without an
 * authorizer everything that the resource knows is allowed. Bit n stands for the operation of code n (AclOperation).
 */
const READ = 3
const WRITE = 4
const CREATE = 5
const DELETE = 6
const ALTER = 7
const DESCRIBE = 8
const CLUSTER_ACTION = 9
const DESCRIBE_CONFIGS = 10
const ALTER_CONFIGS = 11
const IDEMPOTENT_WRITE = 12

const bits = (operations: readonly number[]): number =>
  operations.reduce((field, operation) => field | (1 << operation), 0)

/** What the protocol says when nobody asked. */
export const OPERATIONS_NOT_ASKED = -2147483648

export const TOPIC_OPERATIONS = bits([READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS])
export const GROUP_OPERATIONS = bits([READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS])
export const CLUSTER_OPERATIONS = bits([
  CREATE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
])
