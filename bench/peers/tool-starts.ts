/**
 * From exec to exit of command line tools, ours and Kafka's, against one broker that does little else: what a person waits for.
 * Kafka's run with the heap that their scripts give them. `node -e 0` is the floor of ours.
 */
import { spawn } from 'node:child_process'
import { median } from './report.ts'

/** Tools by name, Kafka's classes, and their words behind `--bootstrap-server`. */
const COMMANDS: readonly { readonly tool: string; readonly className: string; readonly words: string }[] = [
  { tool: 'kafka-topics', className: 'org.apache.kafka.tools.TopicCommand', words: '--list' },
  { tool: 'kafka-topics', className: 'org.apache.kafka.tools.TopicCommand', words: '--describe' },
  {
    tool: 'kafka-consumer-groups',
    className: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
    words: '--list',
  },
  {
    tool: 'kafka-configs',
    className: 'kafka.admin.ConfigCommand',
    words: '--describe --entity-type topics --entity-name starts',
  },
  { tool: 'kafka-get-offsets', className: 'org.apache.kafka.tools.GetOffsetShell', words: '--topic starts' },
  {
    tool: 'kafka-console-producer',
    className: 'org.apache.kafka.tools.ConsoleProducer',
    words: '--topic starts',
  },
  {
    tool: 'kafka-console-consumer',
    className: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
    words: '--topic starts --partition 0 --offset earliest --max-messages 1',
  },
  {
    tool: 'kafka-console-consumer',
    className: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
    words: '--topic starts --from-beginning --max-messages 1',
  },
]
/** As kafka-run-class.sh starts a tool. */
const JVM_FLAGS = ['-Xmx256M', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-Djava.awt.headless=true']

export const TOOL_START_HEAD = ['tool', 'Klamm, ms', 'quartiles', 'over Node', 'Kafka, ms', 'quartiles', 'ratio']

export async function toolStartRows(port: number, classPath: string, rounds: number): Promise<string[][]> {
  const server = ['--bootstrap-server', `127.0.0.1:${port}`]
  const floor: number[] = []
  const rows: { readonly name: string; readonly ours: readonly number[]; readonly kafkas: readonly number[] }[] = []
  for (const { tool, className, words } of COMMANDS) {
    const args = [...server, ...words.split(' ')]
    const ours: number[] = []
    const kafkas: number[] = []
    // The first of ours compiles and fills V8's cache, the first of Kafka's fills the page cache: neither counts.
    for (let round = 0; round <= rounds; round++) {
      const times = [
        await timed('node', ['-e', '0']),
        await timed(`bin/${tool}.sh`, args),
        await timed('java', [...JVM_FLAGS, '-cp', classPath, className, ...args]),
      ] as const
      if (round === 0) continue
      floor.push(times[0])
      ours.push(times[1])
      kafkas.push(times[2])
    }
    rows.push({ name: `${tool} ${words}`, ours, kafkas })
  }
  const bare = median(floor)
  return [
    ['node -e 0', ...shown(floor), '', '', '', ''],
    ...rows.map(({ name, ours, kafkas }) => [
      ...[name, ...shown(ours), (median(ours) - bare).toFixed(0)],
      ...[...shown(kafkas), (median(kafkas) / median(ours)).toFixed(0)],
    ]),
  ]
}

/** Medians, and what half of the runs lie between: a virtual machine is slow for seconds, then fast again. */
function shown(times: readonly number[]): string[] {
  const sorted = times.toSorted((left, right) => left - right)
  const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN).toFixed(0)
  return [median(times).toFixed(0), `${at(0.25)}–${at(0.75)}`]
}

/** Milliseconds; a record on stdin for who reads it. */
function timed(command: string, args: readonly string[]): Promise<number> {
  const startedMs = performance.now()
  return new Promise((resolve, reject) => {
    // Node alone would read it at its start, our tools don't.
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: '' }
    const child = spawn(command, args, {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: command === 'node' ? env : process.env,
    })
    child.stdin.on('error', () => {})
    child.stdin.end('hello\n')
    child.once('error', reject)
    child.once('exit', (code) => {
      if (code === 0) resolve(performance.now() - startedMs)
      else reject(new Error(`${command} ${args.join(' ')}: exit ${code}`))
    })
  })
}
