import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { nodeWorld } from '../../world/node/index.ts'
import { runInMemory } from '../tool/memory-host.ts'
import { clientProperties } from './connection.ts'
import { klamm } from './klamm.ts'
import { profilesPath, shownProperty } from './profiles.ts'

const directory = mkdtempSync(join(tmpdir(), 'klamm-profiles-'))
afterAll(() => rmSync(directory, { recursive: true }))
const environment = { XDG_CONFIG_HOME: directory }

const run = (...argv: readonly string[]) => runInMemory(klamm, argv, { world: nodeWorld(), environment })

async function brokersFor(given: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}) {
  const words = {
    has: (name: string) => name in given,
    value: (name: string) => given[name] ?? null,
    values: (name: string) => (given[name] === undefined ? [] : [given[name]]),
    integer: () => null,
    positionals: [],
  }
  const host = { world: nodeWorld(), environment: { ...environment, ...more } }
  return (await clientProperties(words, host as never)).get('bootstrap.servers')
}

test('profiles are made, used, shown without their secrets, and forgotten', async () => {
  expect((await run('profile', 'create', 'local', '-b', 'a:1')).out).toMatch(/^local: created/)
  await run(
    'profile',
    'create',
    'prod',
    '-b',
    'b:2',
    '-X',
    'sasl.jaas.config=x password="geheim";',
    '-X',
    'security.protocol=SASL_SSL',
  )
  expect((await run('profile', 'list')).out).toBe('PROFILE  BROKERS\nlocal    a:1\nprod*    b:2\n')
  const shown = await run('profile', 'show', '-o', 'json')
  expect(shown.out).not.toContain('geheim')
  expect(JSON.parse(shown.out)).toMatchObject({
    name: 'prod',
    properties: { 'security.protocol': 'SASL_SSL', 'sasl.jaas.config': '********' },
  })
  expect(statSync(profilesPath(environment)).mode & 0o077).toBe(0)
  expect(await run('profile', 'create', 'prod', '-b', 'c:3')).toMatchObject({ exitCode: 1 })
  expect(await run('profile', 'use', 'lokal')).toMatchObject({
    exitCode: 3,
    error: "klamm: There is no profile 'lokal'. Did you mean 'local'?\n",
  })
})

test('an option goes before a named profile, that before the environment, that before the profile in use', async () => {
  expect(await brokersFor({})).toBe('b:2')
  expect(await brokersFor({}, { KLAMM_BROKERS: 'e:5' })).toBe('e:5')
  expect(await brokersFor({ profile: 'local' }, { KLAMM_BROKERS: 'e:5' })).toBe('a:1')
  expect(await brokersFor({}, { KLAMM_PROFILE: 'local' })).toBe('a:1')
  expect(await brokersFor({ profile: 'local', property: 'bootstrap.servers=x:6' })).toBe('x:6')
  expect(await brokersFor({ brokers: 'o:7', property: 'bootstrap.servers=x:6' })).toBe('o:7')
  await run('profile', 'delete', 'prod', 'local')
  expect(await brokersFor({})).toBe('localhost:9092')
})

test('an editor may change the file; what it leaves must be one of profiles', async () => {
  await run('profile', 'create', 'edited', '-b', 'a:1')
  const edit = (EDITOR: string) =>
    runInMemory(klamm, ['profile', 'edit'], { world: nodeWorld(), environment: { ...environment, EDITOR } })
  expect(await edit("sed -i -e 's/a:1/z:9/'")).toMatchObject({ exitCode: 0 })
  expect((await run('profile', 'list', '--no-headers')).out).toBe('edited*  z:9\n')
  expect(await edit("sed -i -e 's/profiles/profile/'")).toMatchObject({ exitCode: 1 })
  expect(await edit('false')).toMatchObject({ exitCode: 1, error: 'klamm: false ended with 1: nothing is changed.\n' })
  expect((await run('profile', 'list', '--no-headers')).out).toBe('edited*  z:9\n')
})

test('a file that klamm did not write is named, and left alone', async () => {
  writeFileSync(profilesPath(environment), '{"profiles": [1]}')
  expect((await run('profile', 'list')).error).toMatch(/profiles\.json is not as klamm writes it/)
})

test('passwords, keys and tokens are secrets; places of files are not', () => {
  for (const name of ['ssl.key.password', 'sasl.jaas.config', 'ssl.keystore.key']) {
    expect(shownProperty(name, 'x'), name).toBe('********')
  }
  for (const name of ['ssl.keystore.location', 'sasl.oauthbearer.token.endpoint.url', 'acks']) {
    expect(shownProperty(name, 'x'), name).toBe('x')
  }
})
