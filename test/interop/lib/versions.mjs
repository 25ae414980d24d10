/** Which peers: every version in one place. */

/** Apache Kafka itself: the broker, its command line classes, today's clients. */
export const KAFKA = [
  'org.apache.kafka:kafka_2.13:4.3.1',
  'org.apache.kafka:kafka-tools:4.3.1',
  'org.apache.logging.log4j:log4j-slf4j-impl:2.25.4',
]
