/** Snapshots of the metadata: each node that follows the log, or decides it, has one written when that is due. */
import type { MetadataImage } from '../metadata/image.ts'
import { imageRecords } from '../metadata/image-records.ts'
import { encodeMetadataRecord } from '../metadata/metadata-records.ts'
import type { MetadataLog } from './metadata-log.ts'

/** @param image the committed one, made outside of any metadata transaction: one that is open would be cut in two */
export function writeDueSnapshot(
  log: Pick<MetadataLog, 'snapshotDue' | 'writeSnapshot' | 'cleanSnapshots'>,
  image: MetadataImage,
  failed: (error: unknown, what: string) => void,
): void {
  if (!log.snapshotDue || image.provenance.offset < 0) return
  log
    .writeSnapshot(image.provenance, encodedRecords(image))
    .then(() => log.cleanSnapshots())
    .catch((error: unknown) => failed(error, 'Writing a metadata snapshot failed'))
}

function* encodedRecords(image: MetadataImage): IterableIterator<Buffer> {
  for (const record of imageRecords(image)) yield encodeMetadataRecord(record)
}
