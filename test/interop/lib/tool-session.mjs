/**
 * Sessions with command line tools, as text (test/interop/tools/NAME.txt), and what they print, made comparable.
 *
 *     # a remark
 *     file NAME CONTENT           writes a file into the session's folder; \n and \t stand for what they say
 *     ! kafka-console-producer …  made ready by Kafka's own tool; what it prints is not compared
 *     kafka-topics …              compared; `'…'` keeps blanks together, `< TEXT` is stdin
 *     ? kafka-topics …            compared without regard to the order of stdout's lines: Kafka's is that of a hash table
 *     ^ kafka-replica-… …         goes on until it is ended: by SIGTERM, and lines that come again count once
 *     ~ kafka-acls …              compared against Kafka only: Klamm does not serve it yet; `~!` is made ready there only
 *
 * @B stands for the broker's address, @C for its controller's, @D for the session's folder; of Kafka's listeners @S is the
 * one with TLS, @M that which wants a certificate, @A that with SASL, @X that with both, and @T the folder of certificates.
 */
import { readFileSync } from 'node:fs'
import { equal, holds } from './expect.mjs'

/**
 * @typedef {{ kind: 'file' | 'prepare' | 'compare', kafkaOnly: boolean, anyOrder: boolean, isEndless: boolean, text: string, words: string[], input: string }} Step
 * @param {string} path
 * @returns {Step[]}
 */
export function readSession(path) {
  const steps = []
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [marks = ''] = /^[!~?^]*/.exec(line) ?? []
    const text = line.slice(marks.length).trim()
    const [command, input = ''] = text.split(' < ')
    const kind = marks.includes('!') ? 'prepare' : text.startsWith('file ') ? 'file' : 'compare'
    steps.push({
      kind,
      kafkaOnly: marks.includes('~'),
      anyOrder: marks.includes('?'),
      isEndless: marks.includes('^'),
      text,
      words: split(command),
      input: unescaped(input),
    })
  }
  return steps
}

/** @param {string} text */
function split(text) {
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => unescaped(quoted ?? plain))
}

/** Commands that only ask: what they say may be asked for again. */
const QUESTION =
  /^kafka-(?:get-offsets|log-dirs|broker-api-versions)\b| (?:--)?(?:list|describe|describe-producers|find-hanging|cluster-id)(?: |$)/

/** @param {string} text of a command without its marks */
export const isQuestion = (text) => QUESTION.test(text)

const unescaped = (text) => text.replaceAll('\\n', '\n').replaceAll('\\t', '\t')

/** The first line of an exception and of each cause, as Java prints them. */
const THROWN =
  /^(?:Caused by: |\s*Suppressed: )?(?:Exception in thread "[^"]*" )?([a-z]\w*(?:\.[\w$]+)*\.[A-Z][\w$]*(?:Exception|Error)\b.*)$/

/** A line that Java's logger or a stack trace wrote. */
const LOGGED = [
  /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] (TRACE|DEBUG|INFO|WARN|ERROR|FATAL) /,
  /^\s+at [\w.$/<>@]+\(/,
  /^\s+\.\.\. \d+ (more|common frames omitted)/,
  /^(Caused by: |\s*Suppressed: )?[a-z]\w*(\.[\w$]+)*\.[A-Z][\w$]*(Exception|Error)\b/,
  /^ \([\w.$]+\)$/,
  /^SLF4J/,
  // A hint to those who still use the other protocol.
  /^The consumer rebalance protocol \(KIP-848\) is production-ready!/,
  // What Kafka's producer says through its logger.
  /^Error when sending (\d+ )?messages? to topic /,
  // Ours, where Kafka's clients have a logger's line for each attempt.
  /^WARN (No broker can be reached|TLS with )/,
  /^Authentication failed: /,
]

/** Lines of what was measured: rates, latencies, times. */
const MEASURED =
  /^(?:.* records\/sec \(.*|Avg latency: .*|Percentiles: .*|\d+\t\d+\.\d+|.*DATE DATE .*|\{.*"avg_throughput":.*)$/gm

/** Only how many numbers there are, and with how many digits behind the point, is the same in another run. */
const measured = (line) =>
  line
    .replace(/(?<="avg_throughput":)[\d.E-]+/, 'N')
    .replace(/^\d+(?=\t)/, 'N')
    .replace(/(?<=[ (\t]|^)\d+\.\d+/g, (number) =>
      line.includes('\t') ? 'N' : `N.${'0'.repeat(number.split('.')[1].length)}`,
    )
    .replace(/(?<=[=,] )\d+(?=,|$| ms)/g, 'N')

/**
 * @typedef {Record<string, string>} SessionPlace what stands for what: `@B` for an address, and so on; the longest first
 * @param {string} text
 * @param {SessionPlace} place
 */
export function placed(text, place) {
  return Object.entries(place).reduce((all, [mark, words]) => all.replaceAll(mark, words), text)
}

/** The reverse; `@P` and `@Q` are the ports alone of `@B` and `@C`. */
function named(text, place) {
  const marked = Object.entries(place).reduce((all, [mark, words]) => all.replaceAll(words, mark), text)
  const port = (address) => new RegExp(`\\b${address.split(':')[1]}\\b`, 'g')
  return marked.replaceAll(port(place['@B']), '@P').replaceAll(port(place['@C']), '@Q')
}

/**
 * What is compared of one run.
 * @param {{ exitCode: number, stdout: string, stderr: string }} run
 * @param {SessionPlace} place
 */
export function comparable({ exitCode, stdout, stderr }, place) {
  const plain = (text) =>
    named(text, place)
      .replaceAll(/\b1[67]\d{11}\b/g, 'TIME')
      .replaceAll(/\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,:\d]*Z?/g, 'DATE')
      .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d\b/g, 'MINUTE')
      .replaceAll(/[\w+/]{86}==/g, 'HMAC')
      .replaceAll(/[\w-]{8}-[\w-]{4}-[\w-]{4}-[\w-]{4}-[\w-]{12}/g, 'UUID')
      .replaceAll(/(?<![\w-])(?=[\w-]*[A-Z0-9])(?![A-Za-z]*Exception)[A-Za-z0-9_-]{22}(?![\w-])/g, 'ID')
      .replaceAll(/[ \t]+$/gm, '')
      .replaceAll(MEASURED, measured)
      // A set in the order of a hash table.
      .replaceAll(/(?<="offsets":\[)[\d,]+(?=\])/g, (offsets) => offsets.split(',').sort().join())
  const lines = (text) =>
    plain(text)
      .split('\n')
      .filter((line) => line !== '')
  return {
    exitCode,
    stdout: tidyOut(withoutHelp(lines(stdout))),
    stderr: tidyError(withoutHelp(lines(stderr))),
    thrown: [...new Set(lines(stderr).flatMap(sentence))],
    said: `${plain(stdout)}\n${plain(stderr)}`,
  }
}

/** What an exception's line says behind the names of classes. */
function sentence(line) {
  const [, text] = THROWN.exec(line) ?? []
  const said = text?.replace(/^(?:[a-z]\w*(?:\.[\w$]+)*\.[A-Z][\w$]*(?::|$) ?)+/, '') ?? ''
  return said === '' ? [] : [said]
}

const isSaid = (line) => !LOGGED.some((pattern) => pattern.test(line))

/** Stack traces that Kafka prints where results belong, and what differs from run to run. */
function tidyOut(lines) {
  return lines
    .filter((line) => isSaid(line) && !line.startsWith(' at [Source: '))
    .map((line) =>
      line
        .replace(/^ \t/, '\t')
        .replace(/ \(Commit:\w+\)$/, '')
        .replace(/: no such file$/, '')
        .replace(/\bEpoch: \d+/, 'Epoch: N')
        // Producer ids.
        .replace(/^(\S+ *\t\d+ *\t)\d+( *\t[A-Z])/, '$1ID$2')
        .replace(/^(\d+ *\t[a-z]\S* *\t)\d+( *\t)/, '$1ID$2')
        .replace(/^\d+( *\t\d+ *\t-?\d+ *\t)/, 'ID$1')
        .replace(/(TIME *\t)\d+/, '$1N')
        // Of the quorum and of batches: what differs from run to run.
        .replace(/^(LeaderEpoch|HighWatermark|MaxFollowerLag|MaxFollowerLagTimeMs): +-?\d+$/, '$1: N')
        .replace(/^(\d+ *\tID *\t)\d+ *\t/, '$1N\t')
        .replace(/\b\d+ ms ago */g, 'N ms ago')
        .replace(/\b(crc|producerId|producerEpoch): -?\d+/gi, '$1: N')
        // A column is as wide as its widest id.
        .replace(/\bID +(?=\t)/g, 'ID'),
    )
}

function tidyError(lines) {
  return (
    lines
      .filter(isSaid)
      // A set whose order is that of addresses in memory.
      .map((line) => line.replace(/(?<=^Option combination ")\[.*?\](?=" can't)/, sorted))
      .map((line) => line.replace(/(?<=only supports operations )\[.*\]$/, sorted))
      .map((line) => line.replace(/(?<=: )[^:]*, [^:]*$/, sorted))
      .map((line) => line.replace(/: no such file$/, ''))
      .map((line) => line.replace(/^(Exception in thread "main" )?([a-z]\w*\.)+\w+(Exception|Error): /, ''))
  )
}

const sorted = (set) => set.replaceAll(/[[\]]/g, '').split(', ').sort().join(', ')

/** What was captured, as this reader would have made it comparable. */
export function retold({ stdout, stderr, ...rest }) {
  return { ...rest, stdout: tidyOut(stdout), stderr: tidyError(stderr) }
}

/**
 * Throws unless a run of ours says what Kafka's said: the same exit code and stdout, and on stderr the same sentences, behind
 * which ours may say more. Where Kafka printed a stack trace, ours says one of its exceptions' sentences.
 * @param {Step} step
 * @param {ReturnType<typeof comparable>} ours
 * @param {ReturnType<typeof comparable>} kafkas
 */
export function sameWords(step, ours, kafkas) {
  const { thrown, ...expected } = retold(kafkas)
  const inOrder = (lines) => (step.isEndless ? [...new Set(lines)] : step.anyOrder ? lines.toSorted() : lines)
  const isTrace = expected.stderr.length === 0 && thrown.length > 0
  const more = expected.exitCode !== 0 || expected.stderr.length > 0
  const stderr = more ? ours.stderr.slice(0, expected.stderr.length) : isTrace ? [] : ours.stderr
  equal(
    { command: step.text, exitCode: ours.exitCode, stdout: inOrder(ours.stdout), stderr },
    { ...expected, stdout: inOrder(expected.stdout) },
  )
  if (thrown.length === 0) return
  holds(
    thrown.some((text) => ours.said.includes(text)),
    `one of ${JSON.stringify(thrown)} is said, and not ${JSON.stringify(ours.said)}`,
  )
}

/** Whether a command that goes on until it is ended has said everything. */
export function isComplete(ours, kafkas) {
  const said = new Set(ours.stdout)
  return retold(kafkas).stdout.every((line) => said.has(line))
}

/** Descriptions of options are our own: of a table of them only its presence is compared. */
function withoutHelp(lines) {
  const at = lines.findIndex((line) => /^Option( \(\* = required\))? +Description/.test(line))
  const help = lines.findIndex((line) => /^(positional|optional) arguments:/.test(line))
  if (at >= 0) return [...lines.slice(0, at), '[options]']
  return help >= 0 ? [...lines.slice(0, Math.max(0, usageEnd(lines))), '[options]'] : lines
}

/** A usage is followed by a description of the tool. */
function usageEnd(lines) {
  const end = lines.findIndex((line, index) => index > 0 && !line.startsWith(' '))
  return end < 0 ? lines.length : end
}
