/**
 * The certificates in a PKCS #12 file (RFC 7292), as a truststore of Java has them. Node itself reads such files only with a
 * key in them.
 *
 * Reads what current keytool and openssl write: plain, or under PBES2 with AES-CBC. The file's MAC is not looked at: a wrong
 * password shows in the decryption, and what the file says is taken as it is.
 */
import { nodeCrypto } from './node-crypto.ts'
import { OperationalError } from './errors.ts'

const OID = {
  data: '2a864886f70d010701',
  encryptedData: '2a864886f70d010706',
  pbes2: '2a864886f70d01050d',
  pbkdf2: '2a864886f70d01050c',
  certBag: '2a864886f70d010c0a0103',
  x509: '2a864886f70d01091601',
} as const

const CIPHERS: Readonly<Record<string, readonly [name: string, keyBytes: number]>> = {
  '60864801650304012a': ['aes-256-cbc', 32],
  '608648016503040116': ['aes-192-cbc', 24],
  '608648016503040102': ['aes-128-cbc', 16],
}

const DIGESTS: Readonly<Record<string, string>> = {
  '2a864886f70d0207': 'sha1',
  '2a864886f70d0209': 'sha256',
  '2a864886f70d020a': 'sha384',
  '2a864886f70d020b': 'sha512',
}

/** More would hold the process for minutes at the word of a file. */
const ITERATIONS_MAX = 10_000_000

interface Element {
  readonly tag: number
  readonly content: Buffer
}

/**
 * In PEM, one after the other.
 * @throws OperationalError CONFIG_INVALID for a file that is none, a wrong password, or an encryption of old.
 */
export function pkcs12Certificates(file: Buffer, password: string): string[] {
  try {
    const [, authSafe] = children(root(file))
    const certificates: string[] = []
    for (const info of children(root(contentOf(authSafe, OID.data)))) {
      for (const bag of children(root(safeContents(info, password)))) {
        const [id, value] = children(bag)
        if (oid(id) !== OID.certBag) continue
        const [kind, certificate] = children(only(value))
        if (oid(kind) === OID.x509) certificates.push(pem(only(certificate).content))
      }
    }
    return certificates
  } catch (error) {
    if (error instanceof OperationalError) throw error
    throw invalid('the file cannot be read: it is damaged, or the password is wrong', error)
  }
}

function safeContents(info: Element, password: string): Buffer {
  const [type, content] = children(info)
  if (oid(type) === OID.data) return only(content).content
  if (oid(type) !== OID.encryptedData) throw invalid('the file is encrypted for somebody’s key, not with a password')
  const [, encrypted] = children(only(content))
  const [, algorithm, bytes] = children(encrypted)
  return decrypt(algorithm, bytes, password)
}

function decrypt(algorithm: Element | undefined, encrypted: Element | undefined, password: string): Buffer {
  const [scheme, parameters] = children(algorithm)
  if (oid(scheme) !== OID.pbes2) {
    throw invalid('the file is encrypted in an old way: write it anew with a current keytool or openssl')
  }
  const [derivation, cipher] = children(parameters)
  const [kdf, kdfParameters] = children(derivation)
  const [cipherId, iv] = children(cipher)
  const [salt, iterations, ...options] = children(kdfParameters)
  const known = CIPHERS[oid(cipherId)]
  const count = iterations === undefined ? 0 : Number(`0x${iterations.content.toString('hex')}`)
  if (oid(kdf) !== OID.pbkdf2 || known === undefined || count < 1 || count > ITERATIONS_MAX) {
    throw invalid(
      'the file is encrypted in a way that is not known here: write it anew with a current keytool or openssl',
    )
  }
  const prf = options.find(({ tag }) => tag === SEQUENCE)
  const digest = prf === undefined ? 'sha1' : DIGESTS[oid(children(prf)[0])]
  if (digest === undefined) throw invalid('the password of the file goes through a digest that is not known here')
  const [name, keyBytes] = known
  const key = nodeCrypto().pbkdf2Sync(Buffer.from(password), required(salt).content, count, keyBytes, digest)
  const decipher = nodeCrypto().createDecipheriv(name, key, required(iv).content)
  return Buffer.concat([decipher.update(required(encrypted).content), decipher.final()])
}

function contentOf(info: Element | undefined, type: string): Buffer {
  const [id, content] = children(info)
  if (oid(id) !== type) throw invalid('the file is signed by a key, not with a password')
  return only(content).content
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const SEQUENCE = 0x30
const CONSTRUCTED = 0x20

function root(bytes: Buffer): Element {
  return required(elements(bytes)[0])
}

function children(element: Element | undefined): Element[] {
  const { tag, content } = required(element)
  if ((tag & CONSTRUCTED) === 0) throw new RangeError('no parts')
  return elements(content)
}

/** The element inside of an explicit tag. */
function only(element: Element | undefined): Element {
  return required(children(element)[0])
}

function oid(element: Element | undefined): string {
  return required(element).content.toString('hex')
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('a part is missing')
  return value
}

/** DER: tag, length, content; lengths of up to four bytes. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = []
  for (let at = 0; at < bytes.length;) {
    const tag = bytes.readUInt8(at)
    const short = bytes.readUInt8(at + 1)
    const lengthBytes = short < 0x80 ? 0 : short - 0x80
    const length = lengthBytes === 0 ? short : bytes.readUIntBE(at + 2, lengthBytes)
    const start = at + 2 + lengthBytes
    if (start + length > bytes.length) throw new RangeError('cut off')
    found.push({ tag, content: bytes.subarray(start, start + length) })
    at = start + length
  }
  return found
}

function invalid(reason: string, cause?: unknown): OperationalError {
  return new OperationalError('CONFIG_INVALID', `PKCS12: ${reason}.`, { cause })
}
