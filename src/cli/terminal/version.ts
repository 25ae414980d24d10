/** The version of the package that runs, set where it is bundled; a test that runs the sources has none. */
declare const KLAMM_VERSION: string | undefined

export const VERSION = typeof KLAMM_VERSION === 'string' ? KLAMM_VERSION : 'unbuilt'

/** The release of Kafka whose tools and protocol these are; what `--version` of a tool prints. */
export const KAFKA_VERSION = '4.3.1'
