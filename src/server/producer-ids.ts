/** Producer ids of this broker: handed out one by one from blocks that the controller gives, never twice in a cluster. */
import { errorName } from '../base/error-codes.ts'
import { assert, KafkaError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import { AllocateProducerIdsRequest } from '../protocol/generated/allocate-producer-ids.ts'

export class ProducerIds {
  readonly #controller: ControllerApi
  readonly #broker: () => { readonly id: number; readonly epoch: number }
  #next = 0
  #end = 0
  #fetching: Promise<void> | null = null

  constructor(controller: ControllerApi, broker: () => { readonly id: number; readonly epoch: number }) {
    this.#controller = controller
    this.#broker = broker
  }

  /** @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS while no block can be had: ask again. */
  async next(): Promise<number> {
    while (this.#next >= this.#end) {
      this.#fetching ??= this.#fetchBlock().finally(() => (this.#fetching = null))
      await this.#fetching
    }
    return this.#next++
  }

  async #fetchBlock(): Promise<void> {
    const { id, epoch } = this.#broker()
    const request = AllocateProducerIdsRequest.make({ brokerId: id, brokerEpoch: epoch })
    const answer = await this.#controller.allocateProducerIds(request, { apiVersion: 0, clientHost: null })
    const code = answer.errorCode ?? 0
    if (code !== 0) {
      throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', `no block of producer ids: ${errorName(code) ?? code}`)
    }
    this.#next = clampInt64(answer.producerIdStart ?? 0)
    this.#end = this.#next + (answer.producerIdLen ?? 0)
    assert(this.#end > this.#next, 'a block of producer ids holds at least one')
  }
}
