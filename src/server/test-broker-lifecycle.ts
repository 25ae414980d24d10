/** A broker's life in its cluster, as tests begin it: with broker 3 of Kafka's default intervals. */
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import type { ManualClock } from '../testing/manual-clock.ts'
import { BrokerLifecycle, type BrokerLifecycleOptions } from './broker-lifecycle.ts'

export interface TestLifecycle {
  readonly clock: ManualClock
  readonly controller: Partial<ControllerApi>
  readonly registration?: Partial<BrokerLifecycleOptions['registration']>
  readonly metadataOffset?: () => number
  readonly offlineDirectories?: () => readonly Uuid[]
  readonly giveUp?: BrokerLifecycleOptions['giveUp']
}

export function testLifecycle(of: TestLifecycle): BrokerLifecycle {
  return new BrokerLifecycle({
    clock: of.clock,
    logger: SILENT,
    controller: of.controller as ControllerApi,
    heartbeatIntervalMs: 2000,
    sessionTimeoutMs: 9000,
    registrationTimeoutMs: 60_000,
    registration: {
      nodeId: 3,
      clusterId: 'c',
      incarnationId: parseUuid('Im0Ljvshn_lgbx7Y1VqZQQ')!,
      listeners: [],
      features: [],
      rack: null,
      directories: [],
      previousBrokerEpoch: -1,
      ...of.registration,
    },
    metadataOffset: of.metadataOffset ?? (() => 10),
    offlineDirectories: of.offlineDirectories ?? (() => []),
    directoryFailureTimeoutMs: 30_000,
    giveUp: of.giveUp ?? (() => {}),
  })
}
