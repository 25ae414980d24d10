/** kafka-delegation-tokens.sh: tokens that let others act for a user (KIP-48). */
import { KafkaError } from '../../base/errors.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { DelegationToken } from '../../client/admin/delegation-tokens.ts'
import { withAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { checkInvalid, checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import { COMMON_OPTIONS, flag, optionalValue, value, type OptionTable } from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'
import { columns } from '../text/columns.ts'
import { javaError } from '../text/java-exceptions.ts'
import { parsePrincipal, principalText } from '../text/principals.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Terminal, Tool } from '../tool/tool.ts'

export const DELEGATION_TOKENS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': value(null, 'REQUIRED: host:port of one or more brokers, with commas.'),
  'command-config': value(
    null,
    'REQUIRED: properties file for the client that the tool makes. Brokers give tokens only to who is known to them.',
  ),
  create: flag('Create a token.'),
  renew: flag('Renew a token.'),
  expire: flag('Let a token expire.'),
  describe: flag('Show tokens.'),
  'owner-principal': optionalValue(null, 'The owner: type:name.'),
  'renewer-principal': optionalValue(null, 'Who may renew it beside the owner: type:name.'),
  'max-life-time-period': optionalValue(null, 'Milliseconds that it lives at most; -1: as long as the broker lets.', {
    type: 'Long',
  }),
  'renew-time-period': optionalValue(null, 'Milliseconds until it expires; -1: as the broker has it.', {
    type: 'Long',
  }),
  'expiry-time-period': optionalValue(null, 'Milliseconds until it expires; -1: at once.', { type: 'Long' }),
  hmac: optionalValue(null, 'The HMAC of the token, in base64.'),
} satisfies OptionTable

type TokenOptions = Options<keyof typeof DELEGATION_TOKENS_OPTIONS>

const ABOUT = 'This tool helps to create, renew, expire, or describe delegation tokens.'
const ACTIONS = ['create', 'renew', 'expire', 'describe'] as const

export const delegationTokens: Tool = async (argv, host) => {
  const options: TokenOptions = toolOptions(DELEGATION_TOKENS_OPTIONS, argv, ABOUT)
  const action = checkOptions(options)
  const properties = await commandConfig(host.world.disk, options.value('command-config'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  const run = { create, renew, expire, describe }[action]
  await withAdmin(host, properties, (admin) => run(admin, options, host.terminal)).catch((error: unknown) => {
    // Kafka names the class of a broker's error here.
    throw error instanceof KafkaError ? failure(javaError(error)) : error
  })
  return 0
}

function checkOptions(options: TokenOptions): (typeof ACTIONS)[number] {
  const [action, ...more] = ACTIONS.filter((name) => options.has(name))
  if (action === undefined || more.length > 0) {
    throw usageFailure(
      DELEGATION_TOKENS_OPTIONS,
      'Command must include exactly one action: --create, --renew, --expire or --describe',
    )
  }
  checkRequired(options, 'bootstrap-server', 'command-config')
  if (action === 'create') checkRequired(options, 'max-life-time-period')
  if (action === 'renew') checkRequired(options, 'hmac', 'renew-time-period')
  if (action === 'expire') checkRequired(options, 'hmac', 'expiry-time-period')
  checkInvalid(options, 'create', 'hmac', 'renew-time-period', 'expiry-time-period')
  checkInvalid(options, 'renew', 'renewer-principal', 'max-life-time-period', 'expiry-time-period', 'owner-principal')
  checkInvalid(options, 'expire', 'renewer-principal', 'max-life-time-period', 'renew-time-period', 'owner-principal')
  checkInvalid(
    options,
    'describe',
    'renewer-principal',
    'hmac',
    'renew-time-period',
    'max-life-time-period',
    'expiry-time-period',
  )
  return action
}

function principals(options: TokenOptions, name: 'owner-principal' | 'renewer-principal') {
  return options.values(name).map((text) => parsePrincipal(text.trim()))
}

/** `[User:a, User:b]` */
function listText(all: ReturnType<typeof principals>): string {
  return `[${all.map(principalText).join(', ')}]`
}

async function create(admin: AdminClient, options: TokenOptions, terminal: Terminal): Promise<void> {
  const renewers = principals(options, 'renewer-principal')
  const maxLifetimeMs = options.integer('max-life-time-period') ?? -1
  terminal.out(
    `Calling create token operation with renewers :${listText(renewers)} , max-life-time-period :${maxLifetimeMs}`,
  )
  const [owner] = principals(options, 'owner-principal')
  const token = await admin.createDelegationToken({
    renewers,
    maxLifetimeMs,
    ...(owner === undefined ? {} : { owner }),
  })
  terminal.out(`Created delegation token with tokenId : ${token.tokenId}`)
  printTokens([token], terminal)
}

async function renew(admin: AdminClient, options: TokenOptions, terminal: Terminal): Promise<void> {
  const hmac = options.value('hmac') ?? ''
  const renewTimePeriodMs = options.integer('renew-time-period') ?? -1
  terminal.out(`Calling renew token operation with hmac :${hmac} , renew-time-period :${renewTimePeriodMs}`)
  const expiry = await admin.renewDelegationToken(Buffer.from(hmac, 'base64'), { renewTimePeriodMs })
  terminal.write(`Completed renew operation. New expiry date : ${minuteText(expiry)}`)
}

async function expire(admin: AdminClient, options: TokenOptions, terminal: Terminal): Promise<void> {
  const hmac = options.value('hmac') ?? ''
  const expiryTimePeriodMs = options.integer('expiry-time-period') ?? -1
  terminal.out(`Calling expire token operation with hmac :${hmac} , expire-time-period :${expiryTimePeriodMs}`)
  const expiry = await admin.expireDelegationToken(Buffer.from(hmac, 'base64'), { expiryTimePeriodMs })
  terminal.write(`Completed expire operation. New expiry date : ${minuteText(expiry)}`)
}

async function describe(admin: AdminClient, options: TokenOptions, terminal: Terminal): Promise<void> {
  const owners = principals(options, 'owner-principal')
  terminal.out(
    owners.length === 0
      ? 'Calling describe token operation for current user.'
      : `Calling describe token operation for owners: ${listText(owners)}`,
  )
  // Kafka's client asks with an empty list here, which brokers answer with none.
  const tokens = await admin.describeDelegationToken(owners.length === 0 ? {} : { owners })
  terminal.write(`Total number of tokens : ${tokens.length}`)
  printTokens(tokens, terminal)
}

const WIDTHS = [15, 30, 15, 15, 25, 15, 15, 15]
const TITLES = ['TOKENID', 'HMAC', 'OWNER', 'REQUESTER', 'RENEWERS', 'ISSUEDATE', 'EXPIRYDATE', 'MAXDATE']

function printTokens(tokens: readonly DelegationToken[], terminal: Terminal): void {
  terminal.out(`\n${columns(WIDTHS, TITLES)}`)
  for (const token of tokens) {
    const { owner, tokenRequester, renewers, issueTimestamp, expiryTimestamp, maxTimestamp } = token
    const row = [
      token.tokenId,
      token.hmac.toString('base64'),
      principalText(owner),
      tokenRequester === null ? 'null' : principalText(tokenRequester),
      `[${renewers.map(principalText).join(',')}]`,
      ...[issueTimestamp, expiryTimestamp, maxTimestamp].map(minuteText),
    ]
    terminal.out(`\n${columns(WIDTHS, row)}`)
  }
}

/** `yyyy-MM-dd'T'HH:mm` of the local clock. */
function minuteText(timeMs: number): string {
  const time = new Date(timeMs)
  const two = (number: number) => String(number).padStart(2, '0')
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${date}T${two(time.getHours())}:${two(time.getMinutes())}`
}
