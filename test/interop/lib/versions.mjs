/** Which peers: every version in one place. */

/** Apache Kafka itself: the broker, its command line classes, today's clients. */
export const KAFKA = [
  'org.apache.kafka:kafka_2.13:4.3.1',
  'org.apache.kafka:kafka-tools:4.3.1',
  'org.apache.logging.log4j:log4j-slf4j-impl:2.25.4',
]

/** The last line that old clients and ZooKeeper know. */
export const KAFKA_3 = ['org.apache.kafka:kafka_2.13:3.9.2', 'org.apache.kafka:kafka-tools:3.9.2']

const clients = (version) => [`org.apache.kafka:kafka-clients:${version}`]

/** Older Java clients, with the codecs that each knows and the sources that compile against it. */
export const OLD_CLIENTS = [
  { version: '0.9.0.1', jars: clients('0.9.0.1'), codecs: ['none', 'gzip', 'snappy', 'lz4'], more: [] },
  { version: '0.10.2.2', jars: clients('0.10.2.2'), codecs: ['none', 'gzip', 'snappy', 'lz4'], more: ['Since010'] },
  {
    version: '0.11.0.3',
    jars: clients('0.11.0.3'),
    codecs: ['none', 'gzip', 'snappy', 'lz4'],
    more: ['Since010', 'Since011'],
  },
  {
    version: '2.8.2',
    jars: clients('2.8.2'),
    codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    more: ['Since010', 'Since011'],
  },
]

/** The oldest producer. */
export const OLDEST_PRODUCER = {
  version: '0.8.2.2',
  jars: clients('0.8.2.2'),
  codecs: ['none', 'gzip', 'snappy', 'lz4'],
}

export const PYTHON = [
  'confluent-kafka==2.16.1',
  'kafka-python==3.0.12',
  'python-snappy==0.7.3',
  'lz4==4.4.5',
  'zstandard==0.25.0',
]

/** Node clients; @platformatic/kafka has a line per line of Node. */
export const NODE = [
  'kafkajs@2.2.4',
  Number(process.versions.node.split('.')[0]) >= 24 ? '@platformatic/kafka@2.12.1' : '@platformatic/kafka@1.35.0',
]
