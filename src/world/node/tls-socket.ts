/**
 * A connection under TLS. Bytes come through 'data' events and are copied into the sink's room (node/socket.ts): what the
 * kernel received is not what the sink may see.
 *
 * A handshake that fails is TLS_FAILED and says what to look at; a network that fails stays NETWORK_FAILED.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import type tls from 'node:tls'
import { OperationalError } from '../../base/errors.ts'
import type { TlsOptions } from '../world.ts'

/** When a connection needs it: most processes have none, and all would wait for it at their start. */
let module: typeof tls | null = null

function loadTls(): typeof tls {
  const load: (name: string) => typeof tls = createRequire(import.meta.url)
  return (module ??= load('node:tls'))
}

export function openTls(address: { readonly host: string; readonly port: number }, options: TlsOptions): tls.TLSSocket {
  const { host, port } = address
  const { verifyHost = true, rejectUnauthorized = true, servername } = options
  // A name that is an address has no place in the handshake (SNI); the certificate is held against it all the same.
  const name = servername ?? (net.isIP(host) === 0 ? host : undefined)
  try {
    const given = {
      secureContext: contextOf(options),
      host,
      port,
      allowHalfOpen: true,
      rejectUnauthorized,
      ...(name === undefined ? {} : { servername: name }),
      ...(verifyHost ? {} : { checkServerIdentity: () => undefined }),
    }
    return loadTls()
      .connect(given as tls.ConnectionOptions)
      .setNoDelay(true)
  } catch (error) {
    // Keys and certificates that cannot be read.
    throw new OperationalError('TLS_FAILED', `TLS cannot be set up: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Keys and authorities of one peer's options, read once for all its connections: a list of 140 authorities takes 30 ms.
 * Throws where one can't be read.
 */
const contexts = new WeakMap<TlsOptions, tls.SecureContext>()

function contextOf(options: TlsOptions): tls.SecureContext {
  const known = contexts.get(options)
  if (known !== undefined) return known
  const { createSecureContext } = loadTls()
  const made = createSecureContext({ ...options, ca: options.ca ?? moreAuthorities() } as tls.SecureContextOptions)
  contexts.set(options, made)
  return made
}

/**
 * Those that Node comes with and those of NODE_EXTRA_CA_CERTS, where a script of bin/ has put that off (klamm-run.sh).
 * As with Node itself a file that can't be read is a warning. Undefined: Node's own.
 */
function moreAuthorities(): readonly (string | Buffer)[] | undefined {
  const path = process.env['KLAMM_EXTRA_CA_CERTS'] ?? ''
  if (path === '') return undefined
  try {
    return [...loadTls().rootCertificates, readFileSync(path)]
  } catch (error) {
    process.emitWarning(`Ignoring extra certs from \`${path}\`: ${(error as Error).message}`)
    return undefined
  }
}

/** Null: not a failure of TLS, but of the network. */
export function tlsFailure(where: string, error: Error): OperationalError | null {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if ('syscall' in error || code === 'ECONNRESET' || code === '') return null
  // OpenSSL's message names places in its sources; its reason is what happened.
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
  return new OperationalError('TLS_FAILED', `TLS with ${where} failed: ${reason.replace(/\.$/, '')}${hint(code)}`, {
    cause: error,
  })
}

function hint(code: string): string {
  switch (code) {
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_GET_ISSUER_CERT':
      return '. Name the authority that signed the certificate of the broker as ca.'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return '. Connect by a name that the certificate has, name it as servername, or switch verifyHost off.'
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return '. Perhaps this listener of the broker speaks no TLS.'
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
      return '. The broker wants a certificate that it trusts: give cert and key, or pfx.'
    default:
      return ''
  }
}
