/** Every workload; a run draws its clients from this list. */
import type { Workload } from '../workload.ts'
import { coldReader } from './cold-reader.ts'
import { groupMember } from './group-member.ts'
import { idempotentProducer } from './idempotent-producer.ts'
import { simpleProducer } from './simple-producer.ts'
import { tailConsumer } from './tail-consumer.ts'
import { topicAdmin } from './topic-admin.ts'

export const WORKLOADS: readonly { readonly workload: Workload; readonly least: number; readonly most: number }[] = [
  { workload: idempotentProducer, least: 1, most: 3 },
  { workload: simpleProducer, least: 0, most: 2 },
  { workload: tailConsumer, least: 1, most: 3 },
  { workload: coldReader, least: 0, most: 1 },
  { workload: groupMember, least: 0, most: 4 },
  { workload: topicAdmin, least: 0, most: 1 },
]
