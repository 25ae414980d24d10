/** What a control record says, behind its record line. */
import { ByteReader } from '../../base/byte-reader.ts'
import type { MessageCodec } from '../../protocol/codec.ts'
import { KRaftVersionRecord } from '../../protocol/generated/kraft-version-record.ts'
import { LeaderChangeMessage } from '../../protocol/generated/leader-change-message.ts'
import { SnapshotFooterRecord } from '../../protocol/generated/snapshot-footer-record.ts'
import { SnapshotHeaderRecord } from '../../protocol/generated/snapshot-header-record.ts'
import { VotersRecord } from '../../protocol/generated/voters-record.ts'
import { readControlKey, readMarkerValue } from '../../records/control.ts'
import type { RecordCursor } from '../../records/record-reader.ts'
import { messageJson } from '../text/message-json.ts'

/** @throws MalformedError */
export function controlText(cursor: RecordCursor): string {
  const key = cursor.key()
  const type = readControlKey(key)
  const value = cursor.value() ?? Buffer.alloc(0)
  switch (type) {
    case 'ABORT':
    case 'COMMIT':
      return ` endTxnMarker: ${type} coordinatorEpoch: ${readMarkerValue(value)}`
    case 'LEADER_CHANGE':
      return ` LeaderChange: ${dataText(LeaderChangeMessage, value)}`
    case 'SNAPSHOT_HEADER':
      return ` SnapshotHeader ${dataText(SnapshotHeaderRecord, value)}`
    case 'SNAPSHOT_FOOTER':
      return ` SnapshotFooter ${dataText(SnapshotFooterRecord, value)}`
    case 'KRAFT_VERSION':
      return ` KRaftVersion ${dataText(KRaftVersionRecord, value)}`
    case 'KRAFT_VOTERS':
      return ` KRaftVoters ${dataText(VotersRecord, value)}`
    case null:
      return ` controlType: UNKNOWN(${key?.readInt16BE(2) ?? -1})`
  }
}

/** Their first field is their version. */
function dataText(codec: MessageCodec<object>, value: Buffer): string {
  const reader = new ByteReader(value)
  const version = Math.min(new ByteReader(value).int16(), codec.highestVersion)
  return messageJson(codec, codec.read(reader, version), version)
}
