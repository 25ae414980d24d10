/** Delegation tokens (KIP-48): made, renewed, expired and described by any broker. */
import { clampInt64 } from '../../base/int64.ts'
import { CreateDelegationToken } from '../../protocol/generated/create-delegation-token.ts'
import { DescribeDelegationToken } from '../../protocol/generated/describe-delegation-token.ts'
import { ExpireDelegationToken } from '../../protocol/generated/expire-delegation-token.ts'
import { RenewDelegationToken } from '../../protocol/generated/renew-delegation-token.ts'
import type { CallOptions } from '../call.ts'
import { throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask } from './admin-call.ts'

export interface KafkaPrincipal {
  /** `User`. */
  readonly type: string
  readonly name: string
}

export interface DelegationToken {
  readonly tokenId: string
  /** In base64 the password of SCRAM, whose user is the token id. */
  readonly hmac: Buffer
  readonly owner: KafkaPrincipal
  /** Null: a broker before 3.3 does not tell. */
  readonly tokenRequester: KafkaPrincipal | null
  readonly renewers: readonly KafkaPrincipal[]
  /** In ms since 1970. */
  readonly issueTimestamp: number
  readonly expiryTimestamp: number
  readonly maxTimestamp: number
}

export interface CreateDelegationTokenOptions extends CallOptions {
  /** Who may renew it beside the owner. */
  readonly renewers?: readonly KafkaPrincipal[]
  /** Whoever asks if left out; brokers from 3.3. */
  readonly owner?: KafkaPrincipal
  /** The broker's limit if left out. */
  readonly maxLifetimeMs?: number
}

export async function createDelegationToken(
  client: NetworkClient,
  options: CreateDelegationTokenOptions = {},
): Promise<DelegationToken> {
  const { renewers = [], owner, maxLifetimeMs = -1 } = options
  return ask(client, { name: 'createDelegationToken', target: 'any' }, options, async (node) => {
    const request = {
      renewers: renewers.map(({ type, name }) => ({ principalType: type, principalName: name })),
      maxLifetimeMs,
      ownerPrincipalType: owner?.type ?? null,
      ownerPrincipalName: owner?.name ?? null,
    }
    const versions = { min: owner === undefined ? 0 : 3 }
    const { ownerPrincipalType: _type, ownerPrincipalName: _name, ...plain } = request
    const isNew = node.versions.choose(CreateDelegationToken, versions) >= 3
    const answer = await node.ask(CreateDelegationToken, isNew ? request : plain, { versions })
    throwOnError(answer.errorCode)
    return {
      tokenId: answer.tokenId,
      hmac: answer.hmac,
      owner: { type: answer.principalType, name: answer.principalName },
      tokenRequester: requester(answer),
      renewers: [...renewers],
      issueTimestamp: clampInt64(answer.issueTimestampMs),
      expiryTimestamp: clampInt64(answer.expiryTimestampMs),
      maxTimestamp: clampInt64(answer.maxTimestampMs),
    }
  })
}

function requester(told: {
  readonly tokenRequesterPrincipalType: string
  readonly tokenRequesterPrincipalName: string
}): KafkaPrincipal | null {
  if (told.tokenRequesterPrincipalType === '') return null
  return { type: told.tokenRequesterPrincipalType, name: told.tokenRequesterPrincipalName }
}

export interface RenewDelegationTokenOptions extends CallOptions {
  /** The broker's own period if left out. */
  readonly renewTimePeriodMs?: number
}

/** Resolves to when it expires now, in ms since 1970. */
export async function renewDelegationToken(
  client: NetworkClient,
  hmac: Buffer,
  options: RenewDelegationTokenOptions = {},
): Promise<number> {
  const { renewTimePeriodMs = -1 } = options
  return ask(client, { name: 'renewDelegationToken', target: 'any' }, options, async (node) => {
    const answer = await node.ask(RenewDelegationToken, { hmac, renewPeriodMs: renewTimePeriodMs })
    throwOnError(answer.errorCode)
    return clampInt64(answer.expiryTimestampMs)
  })
}

export interface ExpireDelegationTokenOptions extends CallOptions {
  /** From now on; at once if negative or left out. */
  readonly expiryTimePeriodMs?: number
}

/** Resolves to when it expires, in ms since 1970. */
export async function expireDelegationToken(
  client: NetworkClient,
  hmac: Buffer,
  options: ExpireDelegationTokenOptions = {},
): Promise<number> {
  const { expiryTimePeriodMs = -1 } = options
  return ask(client, { name: 'expireDelegationToken', target: 'any' }, options, async (node) => {
    const answer = await node.ask(ExpireDelegationToken, { hmac, expiryTimePeriodMs })
    throwOnError(answer.errorCode)
    return clampInt64(answer.expiryTimestampMs)
  })
}

export interface DescribeDelegationTokenOptions extends CallOptions {
  /** All that whoever asks may see if left out. */
  readonly owners?: readonly KafkaPrincipal[]
}

export async function describeDelegationToken(
  client: NetworkClient,
  options: DescribeDelegationTokenOptions = {},
): Promise<readonly DelegationToken[]> {
  return ask(client, { name: 'describeDelegationToken', target: 'any' }, options, async (node) => {
    const owners = options.owners?.map(({ type, name }) => ({ principalType: type, principalName: name })) ?? null
    const answer = await node.ask(DescribeDelegationToken, { owners })
    throwOnError(answer.errorCode)
    return answer.tokens.map((token) => ({
      tokenId: token.tokenId,
      hmac: token.hmac,
      owner: { type: token.principalType, name: token.principalName },
      tokenRequester: requester(token),
      renewers: token.renewers.map(({ principalType, principalName }) => ({
        type: principalType,
        name: principalName,
      })),
      issueTimestamp: clampInt64(token.issueTimestamp),
      expiryTimestamp: clampInt64(token.expiryTimestamp),
      maxTimestamp: clampInt64(token.maxTimestamp),
    }))
  })
}
