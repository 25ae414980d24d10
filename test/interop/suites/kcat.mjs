/** kcat (librdkafka): the shortest way from a shell to a broker, and the strictest reader of what it answers. */
import { debian } from '../lib/install.mjs'
import { complaints, Place, startKlamm } from '../lib/broker.mjs'
import { run as runCommand, start, until } from '../lib/process.mjs'
import { equal, holds } from '../lib/expect.mjs'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  await debian('kcat', ['-V'])
  const place = await Place.make(suite, 'node', { 'num.partitions': '3' })
  const klamm = await startKlamm(place)
  const kcat = (args, options) => runCommand('kcat', ['-b', place.address, ...args], options)
  /** Produces lines `key:value`. */
  const produce = (topic, lines, ...args) =>
    kcat(['-P', '-t', topic, '-K', ':', ...args], { input: lines.map((line) => `${line}\n`).join('') })
  /** What is in a topic, as lines of the format. */
  const consume = async (topic, format, ...args) => {
    const { stdout } = await kcat(['-C', '-q', '-e', '-t', topic, '-f', `${format}\n`, ...args])
    return stdout.split('\n').slice(0, -1)
  }
  const numbered = (count, prefix = 'v') => Array.from({ length: count }, (_, at) => `k${at}:${prefix}${at}`)

  await suite.test('lists the broker and no topic', async () => {
    const { stdout } = await kcat(['-L', '-J'])
    const answer = JSON.parse(stdout)
    equal(answer.brokers, [{ id: 1, name: place.address }])
    equal(answer.topics, [])
    equal(answer.controllerid, 1)
  })

  for (const codec of CODECS) {
    await suite.test(`${codec}: what goes in comes out, in order, with keys and offsets`, async () => {
      const lines = numbered(2000, 'a value that can be compressed because it says value value value ')
      await produce(`codec-${codec}`, lines, '-p', '0', '-z', codec)
      const got = await consume(`codec-${codec}`, '%o %k:%s', '-p', '0', '-o', 'beginning')
      equal(
        got,
        lines.map((line, at) => `${at} ${line}`),
      )
    })
    await suite.test(`${codec}: an idempotent producer`, async () => {
      const lines = numbered(500)
      await produce(`idempotent-${codec}`, lines, '-p', '1', '-z', codec, '-X', 'enable.idempotence=true')
      equal(await consume(`idempotent-${codec}`, '%k:%s', '-p', '1', '-o', 'beginning'), lines)
    })
  }

  await suite.test('creates a topic with the default number of partitions', async () => {
    const { stdout } = await kcat(['-L', '-J', '-t', 'codec-none'])
    const [topic] = JSON.parse(stdout).topics
    equal(
      topic.partitions,
      [0, 1, 2].map((partition) => ({ partition, leader: 1, replicas: [{ id: 1 }], isrs: [{ id: 1 }] })),
    )
  })

  for (const acks of ['0', '1', '-1']) {
    await suite.test(`acks ${acks}`, async () => {
      await produce(`acks${acks}`, numbered(100), '-p', '0', '-X', `topic.acks=${acks}`)
      await until(async () => (await consume(`acks${acks}`, '%s', '-o', 'beginning')).length === 100, 'all are there')
    })
  }

  await suite.test('keys choose partitions, all of which are read', async () => {
    await produce('spread', numbered(300))
    const got = await consume('spread', '%p %k:%s', '-o', 'beginning')
    equal(new Set(got.map((line) => line.split(' ')[0])).size, 3)
    equal(got.map((line) => line.slice(2)).sort(), numbered(300).sort())
  })

  await suite.test('headers, empty values and nulls', async () => {
    await produce('headers', ['k:v', 'k:'], '-p', '0', '-Z', '-H', 'one=1', '-H', 'two=', '-H', 'one=again')
    equal(await consume('headers', '%h|%k|%S', '-o', 'beginning'), [
      'one=1,two=,one=again|k|1',
      'one=1,two=,one=again|k|-1',
    ])
  })

  await suite.test('values of 900 KB, and one that is refused because it is too large', async () => {
    const big = 'x'.repeat(900_000)
    await kcat(['-P', '-t', 'large', '-p', '0'], { input: big })
    equal(await consume('large', '%S', '-o', 'beginning'), ['900000'])
    const args = ['-P', '-t', 'large', '-p', '0', '-X', 'message.max.bytes=5000000']
    const { stderr } = await kcat(args, { input: 'x'.repeat(2_000_000), expectExit: 1 }).catch((error) => ({
      stderr: String(error),
    }))
    holds(/too large|Message size/i.test(stderr), `says why: ${stderr}`)
    equal(await consume('large', '%S', '-o', 'beginning'), ['900000'])
  })

  await suite.test('offsets: beginning, end, from the end, absolute', async () => {
    await produce('offsets', numbered(10), '-p', '0')
    const from = async (offset) => (await consume('offsets', '%o', '-p', '0', '-o', offset)).map(Number)
    equal(await from('beginning'), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    equal(await from('end'), [])
    equal(await from('-3'), [7, 8, 9])
    equal(await from('4'), [4, 5, 6, 7, 8, 9])
  })

  await suite.test('an offset out of range goes where auto.offset.reset says', async () => {
    equal(
      await consume('offsets', '%o', '-p', '0', '-o', '5000', '-X', 'topic.auto.offset.reset=earliest', '-c', '1'),
      ['0'],
    )
    await kcat(['-C', '-t', 'offsets', '-p', '0', '-o', '5000', '-X', 'topic.auto.offset.reset=error', '-e'], {
      expectExit: 1,
    })
  })

  await suite.test('times: records carry them, are found by them and read between them', async () => {
    await produce('times', ['a:1'], '-p', '0')
    await new Promise((resolve) => setTimeout(resolve, 20))
    await produce('times', ['a:2', 'a:3'], '-p', '0')
    const rows = (await consume('times', '%T %o', '-p', '0', '-o', 'beginning')).map((line) =>
      line.split(' ').map(Number),
    )
    holds(Math.abs(rows[0][0] - Date.now()) < 60_000, 'the time is now')
    const query = async (time) => {
      const { stdout } = await kcat(['-Q', '-t', `times:0:${time}`])
      return stdout.trim()
    }
    equal(await query(-2), 'times [0] offset 0')
    equal(await query(-1), 'times [0] offset 3')
    equal(await query(rows[0][0] + 1), 'times [0] offset 1')
    equal(await query(rows[2][0] + 1), 'times [0] offset -1')
    equal(await consume('times', '%o', '-p', '0', '-o', `s@${rows[0][0] + 1}`), ['1', '2'])
    equal(await consume('times', '%o', '-p', '0', '-o', `s@0`, '-o', `e@${rows[0][0] + 1}`), ['0'])
  })

  await suite.test('a reader at the end gets what is written meanwhile', async () => {
    await produce('tail', ['a:0'], '-p', '0')
    const lines = []
    const reader = start('kcat', ['-b', place.address, '-C', '-q', '-u', '-t', 'tail', '-p', '0', '-o', 'beginning'], {
      logFile: place.logFile('tail'),
      onLine: (line) => lines.push(line),
    })
    await until(() => lines.length === 1, 'the first')
    await produce('tail', ['a:1', 'a:2'], '-p', '0')
    await until(() => lines.length === 3, 'the others')
    await reader.stop()
    equal(lines, ['0', '1', '2'])
  })

  await suite.test('a group of one commits and goes on where it was', async () => {
    await produce('grouped', numbered(30))
    const group = async (count) => {
      const args = [
        '-G',
        'readers',
        '-q',
        '-c',
        String(count),
        '-X',
        'auto.offset.reset=earliest',
        '-f',
        '%k\n',
        'grouped',
      ]
      return (await kcat(args)).stdout.split('\n').slice(0, -1)
    }
    const first = await group(10)
    const second = await group(20)
    equal(
      [...first, ...second].sort(),
      numbered(30)
        .map((line) => line.split(':')[0])
        .sort(),
    )
  })

  await suite.test(
    'two members share the partitions; one leaves and the other takes over',
    async () => {
      const got = { one: [], two: [] }
      const member = (name) =>
        start(
          'kcat',
          [
            '-b',
            place.address,
            '-G',
            'pair',
            '-q',
            '-u',
            '-X',
            'auto.offset.reset=earliest',
            '-f',
            '%p %k\n',
            'shared',
          ],
          {
            logFile: place.logFile(`member-${name}`),
            onLine: (line) => got[name].push(line),
          },
        )
      await produce('shared', ['x:1'], '-p', '0')
      const one = member('one')
      await until(() => got.one.length === 1, 'the first member reads')
      const two = member('two')
      let turn = 0
      await until(async () => {
        turn++
        await produce('shared', [`t${turn}:1`], '-p', String(turn % 3))
        return got.one.length > 1 && got.two.length > 0
      }, 'both read')
      const [busy, other] = [two, one]
      await busy.stop('SIGTERM')
      const before = got.one.length
      for (const partition of ['0', '1', '2']) await produce('shared', [`last${partition}:1`], '-p', partition)
      const lasts = () => got.one.slice(before).filter((line) => line.includes('last')).length
      await until(() => lasts() === 3, 'the one that stayed reads all partitions', 20_000)
      await other.stop('SIGTERM')
      const all = [...got.one, ...got.two].map((line) => line.split(' ')[1])
      equal(new Set(all).size, turn + 4)
    },
    60_000,
  )

  await suite.test('after SIGTERM and a start everything is there, the group too', async () => {
    equal(await klamm.stop(), 143)
    const again = await startKlamm(place, 'klamm-again')
    equal((await consume('codec-zstd', '%o', '-p', '0', '-o', 'beginning')).length, 2000)
    await produce('grouped', ['k-last:v'])
    const args = ['-G', 'readers', '-q', '-c', '1', '-X', 'auto.offset.reset=earliest', '-f', '%k\n', 'grouped']
    equal((await kcat(args)).stdout, 'k-last\n')
    equal(await again.stop(), 143)
    equal(complaints(again.log()), [])
  })

  await suite.test('the broker had nothing to complain about', async () => equal(complaints(klamm.log()), []))
}
