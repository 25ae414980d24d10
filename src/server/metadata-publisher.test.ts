import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import { MetadataDelta } from '../metadata/delta.ts'
import { EMPTY_IMAGE } from '../metadata/image.ts'
import { MetadataPublisher, type MetadataPublisherOptions } from './metadata-publisher.ts'

test('behind a change that could not be brought into force no other is, and the failure is told once', async () => {
  const applied: number[] = []
  const shown: number[] = []
  const replicas = {
    apply: async () => {
      applied.push(applied.length)
      if (applied.length === 2) throw new Error('disk')
    },
  }
  const publisher = new MetadataPublisher(EMPTY_IMAGE, {
    nodeId: 1,
    incarnationId: 'iiiiiiiiiiiiiiiiiiiiiA' as Uuid,
    logger: SILENT,
    configs: { follow: () => false },
    clientQuotas: [],
    replicas,
    groups: { onMetadataImage() {} },
    shown: ({ provenance }: typeof EMPTY_IMAGE) => shown.push(provenance.offset),
  } as unknown as MetadataPublisherOptions)
  const failures: unknown[] = []
  let image = EMPTY_IMAGE
  for (const offset of [0, 1, 2]) {
    const delta = new MetadataDelta(image)
    image = delta.image({ offset, epoch: 1, timestampMs: 5 })
    publisher.follow(delta, image, (error) => failures.push(error))
  }
  await publisher.settled()
  expect(shown).toEqual([0])
  expect(applied).toEqual([0, 1])
  expect(publisher.image.provenance.offset).toBe(0)
  expect(failures).toEqual([new Error('disk')])
})
