/**
 * Settings under the names of Java's clients (bootstrap.servers, security.protocol, sasl.jaas.config, ssl.truststore.location
 * …) as options of ours: for tools that take a file of them, and for whoever comes with one.
 *
 * Names that are not about the connection to a cluster are left to the caller (`rest`). Files are read by the caller's hand.
 */
import { pkcs12Certificates } from '../base/pkcs12.ts'
import type { TlsOptions } from '../world/world.ts'
import type { ClientOptions } from './client-options.ts'
import { ClientError } from './errors.ts'
import { parseJaasConfig, type JaasEntry } from './jaas-config.ts'
import type { SaslOptions } from './security-options.ts'

export type JavaProperties = Readonly<Record<string, string>>
/** The bytes of a file; null where there is none. */
export type ReadFile = (path: string) => Promise<Buffer | null>

export interface FromJavaProperties {
  readonly options: Partial<ClientOptions>
  /** What this did not use. */
  readonly rest: JavaProperties
}

const TIMES = {
  'request.timeout.ms': 'requestTimeoutMs',
  'default.api.timeout.ms': 'callTimeoutMs',
  'socket.connection.setup.timeout.ms': 'connectTimeoutMs',
  'reconnect.backoff.ms': 'reconnectBackoffMs',
  'reconnect.backoff.max.ms': 'reconnectBackoffMaxMs',
  'retry.backoff.ms': 'retryBackoffMs',
  'retry.backoff.max.ms': 'retryBackoffMaxMs',
  'metadata.max.age.ms': 'metadataMaxAgeMs',
  'metadata.recovery.rebootstrap.trigger.ms': 'rebootstrapTriggerMs',
} as const

/** Rejects with ClientError INVALID_ARGUMENT, in one sentence that says what to do. */
export async function optionsFromJavaProperties(
  properties: JavaProperties,
  readFile: ReadFile,
): Promise<FromJavaProperties> {
  const taken = new Taken(properties)
  const brokers = taken.get('bootstrap.servers')
  const controllers = taken.get('bootstrap.controllers')
  const clientId = taken.get('client.id')
  const times: Partial<Record<(typeof TIMES)[keyof typeof TIMES], number>> = {}
  for (const [name, key] of Object.entries(TIMES)) {
    const value = taken.get(name)
    if (value !== null) times[key] = milliseconds(name, value)
  }
  const protocol = (taken.get('security.protocol') ?? 'PLAINTEXT').toUpperCase()
  if (!['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'].includes(protocol)) {
    throw invalid(`security.protocol must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, and is ${protocol}`)
  }
  const tls = await tlsOf(taken, readFile)
  const sasl = protocol.startsWith('SASL') ? saslOf(taken) : taken.dropSasl()
  const options: Partial<ClientOptions> = {
    ...(brokers === null || brokers === '' ? {} : { brokers }),
    ...(controllers === null || controllers === '' ? {} : { controllers }),
    ...(clientId === null || clientId === '' ? {} : { clientId }),
    ...times,
    ...(protocol.endsWith('SSL') ? { tls } : {}),
    ...(sasl === null ? {} : { sasl }),
  }
  return { options, rest: taken.rest }
}

/** Remembers what was used. */
class Taken {
  readonly #properties: JavaProperties
  readonly #used = new Set<string>()

  constructor(properties: JavaProperties) {
    this.#properties = properties
  }

  get(name: string): string | null {
    this.#used.add(name)
    return this.#properties[name] ?? null
  }

  /** Settings of SASL that security.protocol makes no use of. */
  dropSasl(): null {
    for (const name of Object.keys(this.#properties)) if (name.startsWith('sasl.')) this.#used.add(name)
    return null
  }

  get rest(): JavaProperties {
    return Object.fromEntries(Object.entries(this.#properties).filter(([name]) => !this.#used.has(name)))
  }
}

function milliseconds(name: string, value: string): number {
  if (/^\d+$/.test(value.trim())) return Number(value)
  throw invalid(`${name} must be a whole number of milliseconds, and is ${value}`)
}

function invalid(reason: string): ClientError {
  return new ClientError('INVALID_ARGUMENT', `${reason}.`)
}

const PLAIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const SCRAM_MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule'
const OAUTH_MODULE = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule'

function saslOf(taken: Taken): SaslOptions {
  const mechanism = taken.get('sasl.mechanism') ?? 'GSSAPI'
  const config = taken.get('sasl.jaas.config')
  const endpoint = taken.get('sasl.oauthbearer.token.endpoint.url')
  const own = {
    clientId: taken.get('sasl.oauthbearer.client.credentials.client.id'),
    clientSecret: taken.get('sasl.oauthbearer.client.credentials.client.secret'),
    scope: taken.get('sasl.oauthbearer.scope'),
  }
  taken.get('sasl.login.callback.handler.class')
  taken.get('sasl.oauthbearer.jwt.retriever.class')
  if (mechanism === 'GSSAPI') {
    throw invalid(
      'sasl.mechanism GSSAPI (Kerberos) is not supported: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER',
    )
  }
  const jaas = config === null || config === '' ? null : parseJaasConfig(config)
  switch (mechanism) {
    case 'PLAIN':
      return { mechanism, ...credentials(jaas, mechanism, PLAIN_MODULE) }
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512': {
      const isDelegationToken = jaas?.options.get('tokenauth')?.toLowerCase() === 'true'
      return { mechanism, ...credentials(jaas, mechanism, SCRAM_MODULE), isDelegationToken }
    }
    case 'OAUTHBEARER':
      return oauthOf(jaas, endpoint, own)
    default:
      throw invalid(`sasl.mechanism must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER, and is ${mechanism}`)
  }
}

function credentials(
  jaas: JaasEntry | null,
  mechanism: string,
  loginModule: string,
): { readonly username: string; readonly password: string } {
  const username = jaas?.options.get('username')
  const password = jaas?.options.get('password')
  if (jaas !== null && jaas.loginModule !== loginModule) {
    throw invalid(`sasl.jaas.config must name ${loginModule} for ${mechanism}, and names ${jaas.loginModule}`)
  }
  if (username !== undefined && password !== undefined) return { username, password }
  throw invalid(`${mechanism} needs sasl.jaas.config=${loginModule} required username="…" password="…";`)
}

const EXTENSION = 'extension_'
const CLAIM = 'unsecuredLoginStringClaim_'
const UNSECURED_EXTENSION = 'unsecuredLoginExtension_'

function oauthOf(
  jaas: JaasEntry | null,
  tokenEndpoint: string | null,
  own: { readonly clientId: string | null; readonly clientSecret: string | null; readonly scope: string | null },
): SaslOptions {
  if (jaas !== null && jaas.loginModule !== OAUTH_MODULE) {
    throw invalid(`sasl.jaas.config must name ${OAUTH_MODULE} for OAUTHBEARER, and names ${jaas.loginModule}`)
  }
  const options = jaas?.options ?? new Map<string, string>()
  if (tokenEndpoint !== null) {
    const clientId = own.clientId ?? options.get('clientId')
    const clientSecret = own.clientSecret ?? options.get('clientSecret')
    const scope = own.scope ?? options.get('scope')
    if (clientId === undefined || clientSecret === undefined) {
      throw invalid('a token endpoint needs clientId="…" and clientSecret="…" in sasl.jaas.config')
    }
    const extensions = withPrefix(options, EXTENSION)
    const common = { tokenEndpoint, clientId, clientSecret, extensions }
    return { mechanism: 'OAUTHBEARER', clientCredentials: scope === undefined ? common : { ...common, scope } }
  }
  const subject = options.get(`${CLAIM}sub`)
  if (subject === undefined) {
    throw invalid(
      'OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url, or unsecuredLoginStringClaim_sub="…" in sasl.jaas.config',
    )
  }
  const lifetime = options.get('unsecuredLoginLifetimeSeconds')
  const scope = options.get('unsecuredLoginListClaim_scope')
  return {
    mechanism: 'OAUTHBEARER',
    unsecured: {
      subject,
      ...(lifetime === undefined ? {} : { lifetimeSeconds: Number(lifetime) }),
      // The first character is what parts the others.
      ...(scope === undefined || scope === '' ? {} : { scope: scope.slice(1).split(scope[0]!) }),
      extensions: withPrefix(options, UNSECURED_EXTENSION),
    },
  }
}

function withPrefix(options: ReadonlyMap<string, string>, prefix: string): Record<string, string> {
  const found = [...options].filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]))
}

async function tlsOf(taken: Taken, readFile: ReadFile): Promise<TlsOptions> {
  const ca = await authorities(taken, readFile)
  const own = await identity(taken, readFile)
  const identification = taken.get('ssl.endpoint.identification.algorithm')
  const ciphers = taken.get('ssl.cipher.suites')
  const protocols = taken.get('ssl.enabled.protocols')
  for (const name of ['ssl.protocol', 'ssl.truststore.type', 'ssl.keystore.type', 'ssl.provider']) taken.get(name)
  return {
    ...(ca === null ? {} : { ca }),
    ...own,
    ...(identification === '' ? { verifyHost: false } : {}),
    ...(ciphers === null || ciphers === '' ? {} : { ciphers: list(ciphers).map(cipherName).join(':') }),
    ...(protocols === null || protocols === '' ? {} : versions(list(protocols))),
  }
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** Java's names of suites as OpenSSL has them; those of TLS 1.3 are the same in both. */
function cipherName(name: string): string {
  const parts = /^TLS_(ECDHE|DHE)_(RSA|ECDSA|DSS)_WITH_(.+)$/.exec(name)
  if (parts !== null) return `${parts[1]}-${parts[2]}-${bulkName(parts[3]!)}`
  const plain = /^TLS_RSA_WITH_(.+)$/.exec(name)
  return plain === null ? name : bulkName(plain[1]!)
}

function bulkName(name: string): string {
  return name
    .replace(/^AES_(\d+)_CBC_/, 'AES$1-')
    .replace(/^AES_(\d+)_/, 'AES$1-')
    .replace(/^CHACHA20_POLY1305_SHA256$/, 'CHACHA20-POLY1305')
    .replaceAll('_', '-')
}

const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

function versions(names: readonly string[]): Pick<TlsOptions, 'minVersion' | 'maxVersion'> {
  const known = TLS_VERSIONS.filter((version) => names.includes(version))
  const [first, last] = [known[0], known.at(-1)]
  if (first === undefined || last === undefined) {
    throw invalid(`ssl.enabled.protocols must be some of ${TLS_VERSIONS.join(', ')}, and is ${names.join(',')}`)
  }
  return { minVersion: first, maxVersion: last }
}

type StoreKind = 'PEM' | 'PKCS12'

async function store(
  name: string,
  path: string,
  readFile: ReadFile,
): Promise<{ readonly kind: StoreKind; readonly bytes: Buffer }> {
  const bytes = await readFile(path)
  if (bytes === null) throw invalid(`${name} is ${path}, which is not there`)
  // The content tells more than ssl.*.type: Java takes PKCS12 for JKS, too.
  if (bytes.length >= 4 && bytes.readUInt32BE(0) === JKS_MAGIC) {
    throw invalid(
      `${path} is a JKS file, which cannot be read here; make PKCS12 of it: keytool -importkeystore -srckeystore ${path} ` +
        `-destkeystore ${path.replace(/\.jks$/, '')}.p12 -deststoretype PKCS12`,
    )
  }
  if (bytes[0] === DER_SEQUENCE) return { kind: 'PKCS12', bytes }
  if (bytes.includes('-----BEGIN')) return { kind: 'PEM', bytes }
  throw invalid(`${path} (${name}) is neither PEM nor PKCS12`)
}

const JKS_MAGIC = 0xfeedfeed
const DER_SEQUENCE = 0x30

async function authorities(taken: Taken, readFile: ReadFile): Promise<NonNullable<TlsOptions['ca']> | null> {
  const inline = taken.get('ssl.truststore.certificates')
  const path = taken.get('ssl.truststore.location')
  const password = taken.get('ssl.truststore.password')
  if (inline !== null && inline !== '') return inline
  if (path === null || path === '') return null
  const { kind, bytes } = await store('ssl.truststore.location', path, readFile)
  if (kind === 'PEM') return bytes.toString()
  const certificates = pkcs12Certificates(bytes, password ?? '')
  if (certificates.length === 0) throw invalid(`${path} has no certificates`)
  return certificates
}

async function identity(
  taken: Taken,
  readFile: ReadFile,
): Promise<Pick<TlsOptions, 'cert' | 'key' | 'pfx' | 'passphrase'>> {
  const chain = taken.get('ssl.keystore.certificate.chain')
  const key = taken.get('ssl.keystore.key')
  const path = taken.get('ssl.keystore.location')
  const storePassword = taken.get('ssl.keystore.password')
  const keyPassword = taken.get('ssl.key.password')
  const secret = keyPassword === null || keyPassword === '' ? {} : { passphrase: keyPassword }
  if (chain !== null && chain !== '' && key !== null && key !== '') return { cert: chain, key, ...secret }
  if (path === null || path === '') return {}
  const { kind, bytes } = await store('ssl.keystore.location', path, readFile)
  if (kind === 'PEM') {
    // One file holds both; each reader takes its own part.
    const text = bytes.toString()
    return { cert: text, key: text, ...secret }
  }
  const passphrase = storePassword ?? keyPassword
  return { pfx: bytes, ...(passphrase === null ? {} : { passphrase }) }
}
