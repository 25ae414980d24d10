/** What a topic's configuration says about who may lead its partitions: min.insync.replicas, unclean elections. */
import { elrFinalised } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import type { ConfigRules } from './config-rules.ts'

export interface TopicRules {
  /** Eligible leader replicas are kept: eligible.leader.replicas.version is finalised. */
  readonly keepsEligible: boolean
  /** Never more than there are replicas. */
  readonly minIsr: number
  /** unclean.leader.election.enable */
  readonly mayElectUncleanly: boolean
}

export function topicRules(image: MetadataImage, rules: ConfigRules, topic: TopicImage): TopicRules {
  const minIsr = Number(rules.topicValue('min.insync.replicas', topic.name, image) ?? 1)
  return {
    keepsEligible: elrFinalised(image.features.levels),
    minIsr: Math.min(minIsr, topic.partitions[0]?.replicas.length ?? 1),
    mayElectUncleanly: rules.topicValue('unclean.leader.election.enable', topic.name, image) === 'true',
  }
}
