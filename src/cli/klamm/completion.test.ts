import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestBroker, type TestBroker } from '../../testing/broker/test-broker.ts'
import { nodeWorld } from '../../world/node/index.ts'
import { runInMemory } from '../tool/memory-host.ts'
import { klamm } from './klamm.ts'

const directory = mkdtempSync(join(tmpdir(), 'klamm-completion-'))
let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
  await run('topics', 'create', 'orders', 'others')
  await run('groups', 'seek', 'readers', '--to', 'start', '--topic', 'orders', '--execute')
})
afterAll(async () => {
  await broker.close()
  rmSync(directory, { recursive: true })
})

function run(...argv: readonly string[]) {
  const environment = { KLAMM_BROKERS: broker.address, XDG_CONFIG_HOME: directory }
  return runInMemory(klamm, argv, { world: nodeWorld(), environment })
}

async function offered(...argv: readonly string[]): Promise<readonly string[]> {
  const { exitCode, out, error } = await run('__complete', ...argv)
  expect({ exitCode, error }).toEqual({ exitCode: 0, error: '' })
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '')
}

test('commands, their words and their options are offered', async () => {
  expect(await offered('')).toEqual(expect.arrayContaining(['topics', 'consume', 'start', 'help']))
  expect(await offered('co')).toEqual(['consume', 'configs', 'completion'])
  expect(await offered('topics', 'd')).toEqual(['describe', 'delete'])
  expect(await offered('topics', 'list', '--o')).toEqual(['--output'])
  expect(await offered('topics', 'list', '-o', '')).toEqual(['table', 'json', 'yaml'])
  expect(await offered('produce', 'orders', '--file', '')).toEqual([':files'])
  expect(await offered('nothing', '')).toEqual([])
  expect(await offered('-b', broker.address, '-o', 'json', 'topics', 'describe', 'or')).toEqual(['orders'])
})

test('names of topics, groups and profiles are offered where they may stand', async () => {
  expect(await offered('consume', 'o')).toEqual(['orders', 'others'])
  expect(await offered('consume', '-n', '1', 'or')).toEqual(['orders'])
  expect(await offered('consume', 'orders', '')).toEqual([])
  expect(await offered('topics', 'delete', 'orders', 'o')).toEqual(['orders', 'others'])
  expect(await offered('consume', 'orders', '-g', '')).toEqual(['readers'])
  expect(await offered('configs', 'list', 'topic', 'ot')).toEqual(['others'])
  expect(await offered('configs', 'list', 'broker', '')).toEqual([])
  await run('profile', 'create', 'local', '-b', broker.address)
  expect(await offered('profile', 'use', '')).toEqual(['local'])
})

test('a cluster that does not answer offers nothing, and is no error', async () => {
  expect(await offered('consume', '-b', '127.0.0.1:1', '')).toEqual([])
})

/** What a shell does with the script, where `klamm` answers with the words it was asked with. */
async function inShell(shell: string, program: (script: string) => string): Promise<string> {
  const script = join(directory, `completion.${shell}`)
  writeFileSync(script, (await run('completion', shell)).out)
  const stub = join(directory, 'stub', 'klamm')
  mkdirSync(join(directory, 'stub'), { recursive: true })
  writeFileSync(stub, '#!/bin/sh\nprintf \'asked%s\\tmeans this\\nother\\n\' "$(printf "<%s>" "$@")"\n')
  chmodSync(stub, 0o755)
  const { stdout, stderr, status } = spawnSync(shell, ['-c', program(script)], {
    encoding: 'utf8',
    env: { PATH: `${join(directory, 'stub')}:${process.env['PATH'] ?? ''}`, HOME: directory },
  })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout
}

/** CI has all of them. */
function isMissing(shell: string): boolean {
  return process.env['CI'] === undefined && spawnSync(shell, ['-c', 'true']).status !== 0
}

test.skipIf(isMissing('bash'))('bash offers what it is told, without the meanings', async () => {
  const out = await inShell(
    'bash',
    (script) => `. ${script}; COMP_WORDS=(klamm topics ''); COMP_CWORD=2; _klamm; printf '%s\\n' "\${COMPREPLY[@]}"`,
  )
  expect(out).toBe('asked<__complete><topics><>\nother\n')
})

test.skipIf(isMissing('zsh'))('zsh offers what it is told, with the meanings beside it', async () => {
  const out = await inShell(
    'zsh',
    (script) =>
      `compdef() { :; }; . ${script}; compadd() { print -l -- $names $texts; }; words=(klamm topics ''); CURRENT=3; _klamm`,
  )
  expect(out).toBe('asked<__complete><topics><>\nother\nasked<__complete><topics><>  -- means this\nother\n')
})

test.skipIf(isMissing('fish'))('fish offers what it is told, with the meanings beside it', async () => {
  const out = await inShell('fish', (script) => `source ${script}; complete -C 'klamm topics '`)
  expect(
    out
      .split('\n')
      .filter((line) => line !== '')
      .sort(),
  ).toEqual(['asked<__complete><topics><>\tmeans this', 'other'])
})
