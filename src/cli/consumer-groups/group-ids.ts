/** Which groups `--group` and `--all-groups` mean. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { ConsumerGroupsOptions } from './consumer-groups-options.ts'

export async function groupIds(admin: AdminClient, options: ConsumerGroupsOptions): Promise<readonly string[]> {
  if (!options.has('all-groups')) return options.values('group')
  return (await admin.listConsumerGroups()).all().map(({ groupId }) => groupId)
}
