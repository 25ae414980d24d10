import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const bin = fileURLToPath(new URL('../../../bin', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'klamm-bin-'))
afterAll(() => rmSync(directory, { recursive: true }))

function run(script: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(script, args, {
    cwd: directory,
    encoding: 'utf8',
    // No node: what is run stops in klamm-run.sh, after it has found itself.
    env: { PATH: process.env['PATH'] ?? '', KLAMM_NODE: 'no-such-node' },
  })
  return { status, stdout, stderr }
}

test('every script is accepted by the POSIX shell', () => {
  for (const script of readdirSync(bin)) {
    expect(spawnSync('sh', ['-n', join(bin, script)], { encoding: 'utf8' }).stderr, script).toBe('')
  }
})

test('the start script without a file prints its usage and exits with 1', () => {
  for (const args of [[], ['-daemon']]) {
    const { status, stdout } = run(join(bin, 'kafka-server-start.sh'), ...args)
    expect(stdout).toMatch(/^USAGE: .*kafka-server-start.sh \[-daemon\] server.properties/)
    expect(status).toBe(1)
  }
})

test('a script finds its installation through links, from another directory', () => {
  symlinkSync(join(bin, 'kafka-storage.sh'), join(directory, 'first'))
  symlinkSync('first', join(directory, 'second'))
  const { status, stderr } = run(join(directory, 'second'), 'random-uuid')
  expect(stderr).toBe("Klamm needs Node.js 20.19 or later: no 'no-such-node' on the PATH (KLAMM_NODE may name one).\n")
  expect(status).toBe(1)
})

test('a script finds its installation through a folder that is a link, and by a bare name', () => {
  mkdirSync(join(directory, 'real', 'bin'), { recursive: true })
  for (const file of ['klamm-run.sh', 'kafka-topics.sh'])
    copyFileSync(join(bin, file), join(directory, 'real/bin', file))
  symlinkSync(join(directory, 'real', 'bin'), join(directory, 'linked'))
  const missing = `${realpathSync(join(directory, 'real'))} is not built yet: run 'npm run build' there.\n`
  const env = { PATH: process.env['PATH'] ?? '', KLAMM_NODE: 'true' }
  const words = { cwd: directory, encoding: 'utf8', env } as const
  expect(spawnSync('linked/kafka-topics.sh', words).stderr).toBe(missing)
  expect(spawnSync('sh', ['kafka-topics.sh'], { ...words, cwd: join(directory, 'linked') }).stderr).toBe(missing)
})

test('stopping a node that does not run says so and exits with 1', () => {
  const stop = (...args: readonly string[]) => run(join(bin, 'kafka-server-stop.sh'), ...args)
  expect(stop('--node-id=2147483647')).toEqual({ status: 1, stdout: 'No kafka server to stop\n', stderr: '' })
  expect(stop('--bogus').stderr).toContain('Unknown argument --bogus')
})

test('klamm hands every word to its program, and the server and storage to theirs', () => {
  for (const words of [[], ['help'], ['topics', 'list'], ['start'], ['storage', 'info']]) {
    expect(run(join(bin, 'klamm'), ...words)).toMatchObject({ status: 1, stdout: '' })
    expect(run(join(bin, 'klamm'), ...words).stderr).toContain('Klamm needs Node.js')
  }
})

test('klamm start makes overrides of its port and data, wherever they stand', () => {
  // A script beside it that prints what it is called with.
  copyFileSync(join(bin, 'klamm'), join(directory, 'klamm'))
  writeFileSync(join(directory, 'klamm-run.sh'), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 })
  const start = (...args: readonly string[]) => run(join(directory, 'klamm'), 'start', ...args)
  expect(start('--data', '/a b', 'x.properties', '--port=1234').stdout.split('\n')).toEqual([
    'server-start',
    '--override',
    'log.dirs=/a b',
    'x.properties',
    '--override',
    'listeners=PLAINTEXT://127.0.0.1:1234,CONTROLLER://127.0.0.1:1235',
    '--override',
    'controller.quorum.bootstrap.servers=127.0.0.1:1235',
    '',
  ])
  expect(start('--port').stderr).toBe('klamm: --port needs a value.\n')
  expect(start('--port', 'x')).toMatchObject({ status: 2, stderr: 'klamm: --port must be a number, and is x.\n' })
  const several = ['start', '--port', '1234', '--nodes', '3']
  expect(start(...several.slice(1)).stdout.split('\n')).toEqual(['main', 'klamm', ...several, ''])
})

test('what NODE_EXTRA_CA_CERTS names is put off: Node would read it at every start', () => {
  const script = join(directory, 'shows-environment')
  writeFileSync(script, '#!/bin/sh\necho "${NODE_EXTRA_CA_CERTS:-none} ${KLAMM_EXTRA_CA_CERTS:-none}"\n', {
    mode: 0o755,
  })
  mkdirSync(join(directory, 'built', 'bin'), { recursive: true })
  mkdirSync(join(directory, 'built', 'dist', 'cli'), { recursive: true })
  copyFileSync(join(bin, 'klamm-run.sh'), join(directory, 'built/bin/klamm-run.sh'))
  writeFileSync(join(directory, 'built/dist/cli/main.js'), '')
  const shown = (env: Readonly<Record<string, string>>) =>
    spawnSync(join(directory, 'built/bin/klamm-run.sh'), ['main', 'kafka-topics'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', KLAMM_NODE: script, ...env },
    }).stdout
  expect(shown({ NODE_EXTRA_CA_CERTS: '/etc/ssl/all.pem' })).toBe('none /etc/ssl/all.pem\n')
  expect(shown({})).toBe('none none\n')
})
