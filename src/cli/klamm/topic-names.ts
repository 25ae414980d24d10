/** Topics by name, with a suggestion where one is not there. */
import { KafkaError } from '../../base/errors.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicDescription } from '../../client/admin/describe-topics.ts'
import { notFound } from './exits.ts'

/** In the order of the names. Rejects with ToolExit for one that is not there. */
export async function describedTopics(admin: AdminClient, names: readonly string[]): Promise<TopicDescription[]> {
  const outcomes = await admin.describeTopics([...new Set(names)])
  for (const [name, error] of outcomes.errors()) {
    if (!(error instanceof KafkaError) || error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    const known = await admin.listTopics({ listInternal: true })
    throw notFound(
      'topic',
      name,
      known.map((topic) => topic.name),
    )
  }
  return [...outcomes.all().values()]
}
