import { expect, test } from 'vitest'
import type { ControllerApi } from '../controller/controller-api.ts'
import { followedController } from './followed-controller.ts'

test('a heartbeat is answered while a large change is still being brought into force, a creation of topics after it', async () => {
  const controller = new Proxy({} as ControllerApi, { get: () => () => Promise.resolve({ errorCode: 0 }) })
  let inForce: () => void = () => undefined
  const settled = new Promise<void>((resolve) => (inForce = resolve))
  const followed = followedController(controller, () => settled)
  const request = expect.anything() as never
  expect(await followed.brokerHeartbeat(request, { apiVersion: 2, clientHost: null })).toEqual({ errorCode: 0 })
  let created = false
  const creation = followed.createTopics(request, { apiVersion: 7, clientHost: null }).then(() => (created = true))
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  expect(created).toBe(false)
  inForce()
  await creation
})
