import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Klamm } from '../../index.ts'
import { startTestBroker, type TestBroker } from '../../testing/broker/test-broker.ts'
import { nodeWorld } from '../../world/node/index.ts'
import { runInMemory } from '../tool/memory-host.ts'
import { COMMANDS } from './commands.ts'
import { klamm } from './klamm.ts'

const directory = mkdtempSync(join(tmpdir(), 'klamm-command-'))
let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(async () => {
  await broker.close()
  rmSync(directory, { recursive: true })
})

async function run(argv: string, input = '') {
  const environment = { KLAMM_BROKERS: broker.address, XDG_CONFIG_HOME: directory }
  return await runInMemory(klamm, argv === '' ? [] : argv.split(' '), { world: nodeWorld(), environment, input })
}

async function json(argv: string, input = ''): Promise<unknown> {
  const { exitCode, out, error } = await run(argv, input)
  expect({ exitCode, error }).toEqual({ exitCode: 0, error: '' })
  return JSON.parse(out)
}

test('a topic is made, listed, described, altered and deleted', async () => {
  expect((await run('topics create first second -p 3 -c retention.ms=1000')).out).toBe(
    'first: created.\nsecond: created.\n',
  )
  expect(await run('topics create first')).toMatchObject({
    exitCode: 1,
    error: expect.stringContaining('TOPIC_ALREADY_EXISTS'),
  })
  const both = await run('topics create first fresh')
  expect(both.out).toBe('first: not created.\nfresh: created.\n')
  expect(both).toMatchObject({ exitCode: 1, error: expect.stringContaining('TOPIC_ALREADY_EXISTS') })
  await run('topics delete fresh')
  expect((await run('topics create first --if-not-exists')).out).toBe('first: is there already.\n')
  expect((await run('topics create third --dry-run')).out).toBe('third: could be created.\n')
  expect(await json('topics list -o json')).toEqual([
    { name: 'first', partitions: 3, replicas: 1, internal: false },
    { name: 'second', partitions: 3, replicas: 1, internal: false },
  ])
  expect((await run('topics list /^F/i --no-headers')).out).toBe('first  3  1\n')
  expect(await json('topics alter second -p 4 -o json')).toEqual([{ name: 'second', status: 'altered' }])
  expect(await json('topics describe second -o json')).toMatchObject([
    { name: 'second', partitions: [{ partition: 0, startOffset: 0, endOffset: 0 }, {}, {}, { partition: 3 }] },
  ])
  expect((await run('configs list topic first -o yaml')).out).toContain('- name: retention.ms\n  value: "1000"\n')
  expect((await run('configs unset topic first retention.ms')).out).toBe('retention.ms: unset.\n')
  expect(await json('configs list topic first -o json')).toEqual([])
  expect((await run('topics delete first second -q')).out).toBe('')
  expect(await json('topics list -o json')).toEqual([])
})

test('options of the connection may stand before the command', async () => {
  const environment = { KLAMM_BROKERS: 'localhost:1', XDG_CONFIG_HOME: directory }
  const elsewhere = (argv: string) => runInMemory(klamm, argv.split(' '), { world: nodeWorld(), environment })
  for (const options of [`-b ${broker.address} -o json`, `--brokers=${broker.address} --output json`]) {
    expect(await elsewhere(`${options} topics list`)).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^\[/) })
  }
  expect(await elsewhere(`-b ${broker.address} --nonsense topics list`)).toMatchObject({
    exitCode: 2,
    error: 'klamm: There is no option --nonsense. See: klamm topics list --help\n',
  })
  expect((await elsewhere(`-b ${broker.address} topcs list`)).error).toContain("There is no command 'topcs'.")
})

test('what is not there is answered with code 3 and with what was perhaps meant', async () => {
  await run('topics create orders')
  for (const command of ['topics describe', 'topics delete', 'consume -e', 'produce', 'configs list topic']) {
    expect(await run(`${command} ordrs`), command).toMatchObject({
      exitCode: 3,
      error: "klamm: There is no topic 'ordrs'. Did you mean 'orders'?\n",
    })
  }
  expect(await run('topcs list')).toMatchObject({
    exitCode: 2,
    error: "klamm: There is no command 'topcs'. Did you mean 'topics'? See: klamm --help\n",
  })
  expect((await run('topics list --intrnal')).error).toContain('Did you mean --internal?')
  // Nothing of these letters is in what is nearest.
  expect((await run('topics delete --yes orders')).error).toBe(
    'klamm: There is no option --yes. See: klamm topics delete --help\n',
  )
  expect(await run('topics list -o xml')).toMatchObject({ exitCode: 2 })
  expect(await run('topics describe')).toMatchObject({
    exitCode: 2,
    error: expect.stringContaining('TOPIC is missing'),
  })
})

test('records come out as they went in, and ranges end where they say', async () => {
  await run('topics create records -p 1')
  expect(await json('produce records -f %k=%v -H h=1 -o json', 'a=1\nb=2\nc=3\n')).toEqual([
    { topic: 'records', partition: 0, baseOffset: 0, records: 3 },
  ])
  expect((await run('produce records -k a --tombstone')).error).toBe('records: 1 record written.\n')
  expect((await run('consume records -e -f %o:%k=%v/%h;')).out).toBe('0:a=1/h=1;1:b=2/h=1;2:c=3/h=1;3:a=/;')
  expect((await run('consume records -n 2')).out).toBe('1\n2\n')
  expect((await run('consume records -o 1:3')).out).toBe('2\n3\n')
  expect((await run('consume records -o 2:100')).out).toBe('3\n\n')
  expect((await run('consume records -o -2 -e -f %o')).out).toBe('23')
  expect((await run('consume records -o @-1h -e -f %o')).out).toBe('0123')
  expect((await run('consume records -o @-2h:-1h')).out).toBe('')
  expect((await run('consume records -e --grep key:b -f %o')).out).toBe('1')
  expect(JSON.parse((await run('consume records -n 1 -J')).out)).toMatchObject({ key: 'a', value: '1', offset: 0 })
  expect(await run('consume records -e -p 9')).toMatchObject({ exitCode: 3 })
  expect(await run('produce records -f %k=%v', 'nothing')).toMatchObject({ exitCode: 1 })
})

test('a range ends behind the markers of transactions, and under read_committed before an open one', async () => {
  await run('topics create transactions -p 1')
  await using kafka = new Klamm({ brokers: broker.address })
  const producer = kafka.producer({ transactionalId: 'one' })
  const write = async (value: string): Promise<void> => {
    await producer.beginTransaction()
    await producer.send({ topic: 'transactions', value })
  }
  await producer.initTransactions()
  await write('committed')
  await producer.commitTransaction()
  expect((await run('consume transactions -e')).out).toBe('committed\n')
  await write('aborted')
  await producer.abortTransaction()
  const committed = 'consume transactions -e -X isolation.level=read_committed'
  expect((await run('consume transactions -e')).out).toBe('committed\naborted\n')
  expect((await run(committed)).out).toBe('committed\n')
  expect(await json('bench consume transactions -o json -X isolation.level=read_committed')).toMatchObject({
    records: 1,
  })
  await write('open')
  expect((await run(committed)).out).toBe('committed\n')
  await producer.abortTransaction()
})

test('a group reads on where it was; its offsets move only with --execute', async () => {
  await run('topics create grouped -p 1')
  await run('produce grouped', '1\n2\n3\n4\n')
  expect((await run('consume grouped -g readers -n 3')).out).toBe('1\n2\n3\n')
  expect(await json('groups describe readers -o json')).toMatchObject([
    {
      group: 'readers',
      state: 'Empty',
      offsets: [{ topic: 'grouped', partition: 0, offset: 3, endOffset: 4, lag: 1 }],
    },
  ])
  expect(await json('groups seek readers --to -2 -o json')).toEqual({
    group: 'readers',
    executed: false,
    offsets: [{ topic: 'grouped', partition: 0, before: 3, offset: 1 }],
  })
  expect((await run('groups seek readers --to start')).error).toBe('Nothing is changed yet: --execute does it.\n')
  expect((await run('consume grouped -g readers -n 1')).out).toBe('4\n')
  await run('groups seek readers --to @-1h --execute')
  expect((await run('consume grouped -g readers -n 1')).out).toBe('1\n')
  expect((await run('groups list --no-headers')).out).toMatch(/^readers +\w+ +consumer +Empty\n$/)
  expect(await run('groups describe raeders')).toMatchObject({
    exitCode: 3,
    error: expect.stringContaining("'readers'"),
  })
  expect((await run('groups delete readers')).out).toBe('readers: deleted.\n')
})

test('offsets move by a file, for some partitions, and never under members', async () => {
  await run('topics create moved -p 2')
  await run('produce moved -p 0', '1\n2\n3\n')
  const file = join(directory, 'offsets.csv')
  writeFileSync(file, 'moved,0,2\nmoved,1,99\n')
  expect(await json(`groups seek movers --file ${file} --execute -o json`)).toMatchObject({
    executed: true,
    offsets: [
      { partition: 0, before: null, offset: 2 },
      { partition: 1, before: null, offset: 0 },
    ],
  })
  expect(await json('groups seek movers --topic moved:0 --to end -o json')).toMatchObject({
    offsets: [{ partition: 0, before: 2, offset: 3 }],
  })
  writeFileSync(file, 'moved,0\n')
  expect(await run(`groups seek movers --file ${file}`)).toMatchObject({ exitCode: 1 })
  expect(await run('groups seek movers')).toMatchObject({ exitCode: 2 })
  expect(await run('groups seek movers --to soon')).toMatchObject({ exitCode: 2 })
  await using kafka = new Klamm({ brokers: broker.address })
  const consumer = kafka.consumer({ groupId: 'movers' })
  consumer.subscribe('moved')
  await consumer.poll()
  const refused = await run('groups seek movers --to start --execute')
  expect(refused).toMatchObject({ exitCode: 1, error: expect.stringContaining("'movers' has members (1)") })
  const members = await run('groups describe movers --members')
  expect(members.out).toMatch(/MEMBER +CLIENT +HOST +ASSIGNMENT\n.*127\.0\.0\.1 +moved:0,1\n$/)
})

test('the cluster tells of itself in each of the three forms', async () => {
  for (const word of ['info', 'brokers', 'features', 'quorum', 'log-dirs']) {
    expect(await json(`cluster ${word} -o json`), word).not.toEqual([])
    expect((await run(`cluster ${word}`)).out, word).toMatch(/^[A-Z]+/)
    expect((await run(`cluster ${word} -o yaml`)).out, word).toMatch(/^(- )?\w+: /)
  }
})

test('the benchmarks tell rates and percentiles of what they wrote and read', async () => {
  await run('topics create bench -p 2')
  expect(await json('bench produce bench -n 3000 -s 10 -o json')).toMatchObject({
    records: 3000,
    bytes: 30_000,
    recordsPerSecond: expect.any(Number),
    latencyMs: { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
  })
  expect(await json('bench consume bench -o json')).toMatchObject({ records: 3000, bytes: 30_000, waitMs: {} })
  expect(await json('bench consume bench -n 7 -o json')).toMatchObject({ records: 7, bytes: 70 })
  expect((await run('bench consume bench')).out).toMatch(/^RECORDS +RECORDS\/S +MIB\/S +WAIT MS AVG/)
  expect(await run('bench produce bnech')).toMatchObject({ exitCode: 3 })
})

test('where no broker answers the code is 4, and the message says how to start one', async () => {
  const { exitCode, error } = await run('topics list -b 127.0.0.1:1')
  expect(exitCode).toBe(4)
  expect(error).toMatch(/^klamm: No broker answers at 127\.0\.0\.1:1: .*\nIs one running\? 'klamm start'/)
})

test('every command has help that names all of its options', async () => {
  const { exitCode, out } = await run('')
  expect(exitCode).toBe(0)
  for (const { path, options } of COMMANDS) {
    expect(out).toContain(`  ${path[0]} `)
    const help = await run(`${path.join(' ')} --help`)
    expect(help.exitCode).toBe(0)
    for (const name of Object.keys(options)) expect(help.out).toContain(`--${name}`)
  }
})

test('a cluster of one broker is spread already, and nothing of it can go', async () => {
  await run('topics create spread -p 3')
  expect(await run('rebalance')).toMatchObject({ exitCode: 0, error: 'The partitions are spread already.\n' })
  expect(await json('rebalance spread -o json')).toEqual({ version: 1, partitions: [] })
  expect(await run('rebalance spread --remove-broker 1')).toMatchObject({
    exitCode: 1,
    error:
      'klamm: spread-0 has 1 replica, and 0 brokers are left. Start another, or give the topic fewer replicas first.\n',
  })
  expect(await run('rebalance --remove-broker 9')).toMatchObject({ exitCode: 3 })
  expect(await run('rebalance --remove-broker x')).toMatchObject({ exitCode: 2 })
  expect(await run('rebalance --throttle 5')).toMatchObject({ exitCode: 2 })
  expect(await run('rebalance none')).toMatchObject({ exitCode: 3 })
  await run('topics delete spread')
})
