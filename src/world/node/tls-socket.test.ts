import { readFileSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { NodeNetwork } from './network.ts'
import type { Socket, TlsOptions } from '../world.ts'

const file = (name: string): Buffer => readFileSync(new URL(`../../../test/golden/tls/${name}`, import.meta.url))
const ca = file('ca.pem')
const own = { cert: file('server.pem'), key: file('server.key') }
const echo = (socket: tls.TLSSocket): void => {
  socket.on('error', () => {})
  socket.pipe(socket)
}
const servers = {
  open: tls.createServer(own, echo),
  mutual: tls.createServer({ ...own, ca, requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' }, echo),
  plain: net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end('not TLS at all'))
  }),
}

beforeAll(async () => {
  for (const server of Object.values(servers)) {
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  }
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})
afterAll(() => {
  for (const server of Object.values(servers)) server.close()
})

function connect(server: keyof typeof servers, options: TlsOptions): Promise<Socket> {
  const { port } = servers[server].address() as net.AddressInfo
  return new NodeNetwork().connect({ host: 'localhost', port, tls: options })
}

/** Sends in pieces, and resolves to what came back once it is `length` long. */
function exchange(socket: Socket, pieces: readonly Buffer[], length: number): Promise<Buffer> {
  const room = Buffer.alloc(1000)
  const received: Buffer[] = []
  return new Promise((resolve, reject) => {
    socket.start({
      room: () => room,
      received: (count) => {
        received.push(Buffer.from(room.subarray(0, count)))
        const all = Buffer.concat(received)
        if (all.length >= length) resolve(all)
      },
      ended: () => socket.destroy(),
      closed: (error) => reject(error ?? new Error('closed')),
    })
    socket.write(pieces)
  })
}

test('bytes go both ways under TLS, through a room that is smaller than they are', async () => {
  const socket = await connect('open', { ca })
  const sent = Buffer.alloc(100_000, 'abcdefg')
  const received = await exchange(socket, [sent.subarray(0, 10), sent.subarray(10)], sent.length)
  expect(received.equals(sent)).toBe(true)
  expect(socket.remotePort).toBeGreaterThan(0)
  socket.destroy()
})

test('a certificate that nobody here trusts is refused, with what to do', async () => {
  await expect(connect('open', {})).rejects.toMatchObject({
    code: 'TLS_FAILED',
    message: expect.stringContaining('Name the authority that signed the certificate of the broker as ca.'),
  })
  const socket = await connect('open', { rejectUnauthorized: false })
  socket.destroy()
})

test('authorities that a script of bin/ put off are trusted beside those of Node, unless others are named', async () => {
  const extra = fileURLToPath(new URL('../../../test/golden/tls/ca.pem', import.meta.url))
  vi.stubEnv('KLAMM_EXTRA_CA_CERTS', extra)
  const trusting: TlsOptions = {}
  for (const connection of [await connect('open', trusting), await connect('open', trusting)]) connection.destroy()
  await expect(connect('open', { ca: tls.rootCertificates.slice(0, 1) })).rejects.toMatchObject({ code: 'TLS_FAILED' })

  vi.stubEnv('KLAMM_EXTRA_CA_CERTS', `${extra}-none`)
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
  await expect(connect('open', {})).rejects.toMatchObject({ code: 'TLS_FAILED' })
  expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(`Ignoring extra certs from \`${extra}-none\``))
})

test('the certificate must be for the host, for the name that is given, or for any if that is wanted', async () => {
  await expect(connect('open', { ca, servername: 'other.example' })).rejects.toMatchObject({
    code: 'TLS_FAILED',
    message: expect.stringContaining('switch verifyHost off'),
  })
  const named = await connect('open', { ca, servername: 'broker.example' })
  named.destroy()
  const any = await connect('open', { ca, servername: 'other.example', verifyHost: false })
  any.destroy()
})

test('a peer that wants a certificate is given ours, in PEM or PKCS12', async () => {
  await expect(connect('mutual', { ca })).rejects.toMatchObject({ code: 'TLS_FAILED' })
  for (const identity of [
    { cert: file('client.pem'), key: file('client.key') },
    { pfx: file('client.p12'), passphrase: 'secret' },
  ]) {
    const socket = await connect('mutual', { ca, ...identity })
    expect((await exchange(socket, [Buffer.from('hello')], 5)).toString()).toBe('hello')
    socket.destroy()
  }
  await expect(connect('mutual', { ca, pfx: file('client.p12'), passphrase: 'x' })).rejects.toThrow('cannot be set up')
})

test('a listener that speaks no TLS is said to be one; nobody who listens is the network’s failure', async () => {
  await expect(connect('plain', { ca })).rejects.toMatchObject({
    code: 'TLS_FAILED',
    message: expect.stringContaining('Perhaps this listener of the broker speaks no TLS'),
  })
  const nobody = new NodeNetwork().connect({ host: 'localhost', port: 1, tls: { ca } })
  await expect(nobody).rejects.toMatchObject({ code: 'NETWORK_FAILED' })
})

test('versions and ciphers are as they are told', async () => {
  await expect(connect('mutual', { ca, minVersion: 'TLSv1.3' })).rejects.toMatchObject({ code: 'TLS_FAILED' })
  const socket = await connect('open', { ca, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })
  socket.destroy()
})
