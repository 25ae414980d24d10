/** `--topic` of tools that take a regular expression, or several names with commas (Kafka's IncludeList). */
import { failure } from '../tool/tool-exit.ts'

/** Whether a name is meant. Quotes around the whole are left out. @throws ToolExit for what is no regular expression. */
export function topicFilter(pattern: string): (name: string) => boolean {
  const text = pattern
    .trim()
    .replaceAll(',', '|')
    .replaceAll(' ', '')
    .replace(/^["']+/, '')
    .replace(/["']+$/, '')
  let expression: RegExp
  try {
    expression = new RegExp(`^(?:${text})$`)
  } catch {
    throw failure(`${text} is an invalid regex.`)
  }
  return (name) => expression.test(name)
}
