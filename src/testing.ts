/**
 * `klamm/testing`: brokers for tests, of code that uses Kafka and of Klamm itself. See docs/TESTING.md.
 *
 * `startTestBroker` is the real broker on real sockets with a controllable clock and faults by request. `SeededWorld` is a
 * whole simulated network of machines whose every event follows from one number; `startBroker({ world })` of `klamm/broker`
 * runs in it.
 */
export { OperationalError, type Logger, type OperationalCode, type PropertyValue } from './broker.ts'
export type { ErrorCode } from './base/error-codes.ts'
export { startTestBroker, type TestBroker, type TestBrokerOptions } from './testing/broker/test-broker.ts'
export type { RequestedFault, RequestFault } from './testing/broker/request-fault.ts'
export type { TestClock } from './testing/broker/test-clock.ts'
export type { DiskFault, TestDisk } from './testing/broker/test-disk.ts'
export type { TestNetwork } from './testing/broker/test-network.ts'
export { SeededWorld, type SeededWorldOptions } from './testing/seeded-world.ts'
export type { World } from './world/world.ts'
