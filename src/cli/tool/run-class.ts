/** kafka-run-class.sh: the tool that a class name of Kafka's means. */
import { failure } from './tool-exit.ts'
import type { Tool } from './tool.ts'
import { TOOLS, toolOfClass } from './tools.ts'

const USAGE = 'USAGE: kafka-run-class.sh CLASS [ARGUMENTS]'

export const runClass: Tool = async (argv, host) => {
  // Options that Kafka's script takes for the JVM.
  const words = [...argv]
  while (words[0] === '-daemon' || words[0] === '-loggc' || words[0] === '-name') {
    words.splice(0, words[0] === '-name' ? 2 : 1)
  }
  const [className, ...rest] = words
  if (className === undefined) throw failure(USAGE)
  const entry = toolOfClass(className)
  if (entry === null) {
    const known = TOOLS.flatMap((tool) => tool.classes)
    throw failure(`Could not find or load main class ${className}\nKnown classes:\n  ${known.sort().join('\n  ')}`)
  }
  return await (
    await entry.load()
  )(rest, host)
}
