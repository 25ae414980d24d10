/** The tables of all keys this release knows, by scope. Rows: `table/`. */
import { configTable, type ConfigKey, type ConfigRow, type ConfigTable } from './config-key.ts'
import { CLUSTER_KEYS, DYNAMIC_QUOTA_KEYS } from './table/cluster-keys.ts'
import { COORDINATOR_KEYS } from './table/coordinator-keys.ts'
import { NODE_KEYS } from './table/node-keys.ts'
import { SECURITY_KEYS } from './table/security-keys.ts'
import { CLIENT_METRICS_KEYS, GROUP_KEYS, QUOTA_KEYS, TOPIC_KEYS } from './table/topic-keys.ts'

/** What may stand in server.properties. */
export const BROKER_TABLE = configTable(NODE_KEYS, CLUSTER_KEYS, COORDINATOR_KEYS, SECURITY_KEYS)
/** Broker keys that exist as dynamic values only. */
export const DYNAMIC_QUOTA_TABLE = configTable(DYNAMIC_QUOTA_KEYS)
export const TOPIC_TABLE = configTable(TOPIC_KEYS)
export const GROUP_TABLE = configTable(GROUP_KEYS)
export const CLIENT_METRICS_TABLE = configTable(CLIENT_METRICS_KEYS)
/** Quotas of users, clients and addresses, and SCRAM credentials. */
export const QUOTA_TABLE = configTable(QUOTA_KEYS)

/** In the order in which values are read: of several bad ones the first is named. */
export const TOPIC_KEYS_READ: readonly ConfigKey[] = inOrder(TOPIC_TABLE, TOPIC_KEYS)
export const GROUP_KEYS_READ: readonly ConfigKey[] = inOrder(GROUP_TABLE, GROUP_KEYS)
export const CLIENT_METRICS_KEYS_READ: readonly ConfigKey[] = inOrder(CLIENT_METRICS_TABLE, CLIENT_METRICS_KEYS)

function inOrder(table: ConfigTable, rows: readonly ConfigRow[]): ConfigKey[] {
  return rows.flatMap(([name]) => table.get(name) ?? [])
}
