/**
 * The quorum's own records: control batches in the metadata log and its snapshots. They tell who leads, which
 * kraft.version holds and who votes; with kraft.version 0 voters are not in the log at all (KIP-853).
 */
import { ByteReader, MalformedError } from '../base/byte-reader.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { OperationalError } from '../base/errors.ts'
import type { Init, MessageCodec } from '../protocol/codec.ts'
import { KRaftVersionRecord } from '../protocol/generated/kraft-version-record.ts'
import { LeaderChangeMessage } from '../protocol/generated/leader-change-message.ts'
import { SnapshotFooterRecord } from '../protocol/generated/snapshot-footer-record.ts'
import { SnapshotHeaderRecord } from '../protocol/generated/snapshot-header-record.ts'
import { VotersRecord } from '../protocol/generated/voters-record.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { controlKey, readControlKey, type ControlType } from '../records/control.ts'
import type { RecordInit } from '../records/record.ts'
import { readRecords } from '../records/record-reader.ts'
import type { ControlEntry } from '../raft/raft-io.ts'
import { type Voter, type VoterChange } from '../raft/voters.ts'

/** What the control records read so far say. */
export interface VoterState {
  readonly kraftVersion: number
  /** Null while no record has named them (kraft.version 0). */
  readonly voters: readonly Voter[] | null
}

export interface BatchPosition {
  readonly baseOffset: number
  readonly epoch: number
  readonly timestampMs: number
}

/** What a leader appends on its own: the first entry of its epoch, and changes of the voters. */
export function controlEntryBatch(entry: ControlEntry, leaderId: number, timestampMs: number): Buffer {
  const { baseOffset, epoch, leaderChange, voters } = entry
  const records: RecordInit[] = []
  if (leaderChange !== null) {
    const change = {
      version: 0,
      leaderId,
      voters: leaderChange.voters.map(({ id }) => ({ voterId: id })),
      grantingVoters: leaderChange.granting.map(({ id }) => ({ voterId: id })),
    }
    records.push(control('LEADER_CHANGE', LeaderChangeMessage, change))
  }
  if (voters !== null && voters.kraftVersion !== null) records.push(kraftVersionRecord(voters.kraftVersion))
  if (voters !== null && voters.voters !== null) records.push(votersRecord(voters.voters))
  return controlBatch({ baseOffset, epoch, timestampMs }, records)
}

export function snapshotHeaderBatch(position: BatchPosition, lastContainedMs: number, state: VoterState): Buffer {
  const header = { version: 0, lastContainedLogTimestamp: lastContainedMs }
  return controlBatch(position, [control('SNAPSHOT_HEADER', SnapshotHeaderRecord, header), ...voterRecords(state)])
}

export function snapshotFooterBatch(position: BatchPosition): Buffer {
  return controlBatch(position, [control('SNAPSHOT_FOOTER', SnapshotFooterRecord, { version: 0 })])
}

export interface ControlContent {
  /** After the batch. */
  readonly state: VoterState
  /** Null: it says nothing of voters. */
  readonly change: VoterChange | null
  readonly isSnapshotFooter: boolean
  /** Of a snapshot header. */
  readonly lastContainedMs: number | null
}

/** The state after a control batch. @throws OperationalError LOG_CORRUPT. */
export function readControlBatch(bytes: Buffer, at: number, before: VoterState): ControlContent {
  try {
    return contentOf(bytes, at, before)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new OperationalError('LOG_CORRUPT', `metadata log: control batch: ${error.message}`)
  }
}

function contentOf(bytes: Buffer, at: number, before: VoterState): ControlContent {
  let changedVersion: number | null = null
  let changedVoters: readonly Voter[] | null = null
  let isSnapshotFooter = false
  let lastContainedMs: number | null = null
  for (const { key, value } of readRecords(bytes, at)) {
    const type = readControlKey(key)
    if (value === null) continue
    if (type === 'KRAFT_VERSION') changedVersion = decode(KRaftVersionRecord, value).kRaftVersion
    else if (type === 'KRAFT_VOTERS') changedVoters = decode(VotersRecord, value).voters.map(voterOf)
    else if (type === 'SNAPSHOT_FOOTER') isSnapshotFooter = true
    else if (type === 'SNAPSHOT_HEADER') {
      lastContainedMs = Number(decode(SnapshotHeaderRecord, value).lastContainedLogTimestamp)
    }
  }
  const hasChange = changedVersion !== null || changedVoters !== null
  return {
    state: { kraftVersion: changedVersion ?? before.kraftVersion, voters: changedVoters ?? before.voters },
    change: hasChange ? { kraftVersion: changedVersion, voters: changedVoters } : null,
    isSnapshotFooter,
    lastContainedMs,
  }
}

function voterOf(voter: VotersRecord.Voter): Voter {
  const endpoints = voter.endpoints.map(({ name, host, port }) => ({ name, host, port }))
  const { minSupportedVersion: min, maxSupportedVersion: max } = voter.kRaftVersionFeature
  return { id: voter.voterId, directoryId: voter.voterDirectoryId, endpoints, kraftVersions: { min, max } }
}

function voterRecords({ kraftVersion, voters }: VoterState): RecordInit[] {
  if (kraftVersion === 0 || voters === null) return []
  return [kraftVersionRecord(kraftVersion), votersRecord(voters)]
}

function kraftVersionRecord(kraftVersion: number): RecordInit {
  return control('KRAFT_VERSION', KRaftVersionRecord, { version: 0, kRaftVersion: kraftVersion })
}

function votersRecord(voters: readonly Voter[]): RecordInit {
  const named = voters.map(({ id, directoryId, endpoints, kraftVersions: { min, max } }) => {
    const kRaftVersionFeature = { minSupportedVersion: min, maxSupportedVersion: max }
    return { voterId: id, voterDirectoryId: directoryId, endpoints, kRaftVersionFeature }
  })
  return control('KRAFT_VOTERS', VotersRecord, { version: 0, voters: named })
}

function control<T>(type: ControlType, codec: MessageCodec<T>, message: Init<T>): RecordInit {
  const writer = new ByteWriter()
  codec.write(writer, message, 0)
  return { key: controlKey(type), value: writer.toBuffer() }
}

function decode<T>(codec: MessageCodec<T>, value: Buffer): T {
  return codec.read(new ByteReader(value), 0)
}

function controlBatch(position: BatchPosition, records: readonly RecordInit[]): Buffer {
  return buildBatch({ ...position, control: true, records })
}
