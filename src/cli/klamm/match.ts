/** What people search for: a word that a text holds, or a `/regular expression/` with flags i and m. */
import { usageError } from './exits.ts'

/** @throws ToolExit for a bad expression. */
export function matcherOf(pattern: string): (text: string) => boolean {
  const parts = /^\/(.*)\/([im]*)$/s.exec(pattern)
  if (parts === null) return (text) => text.includes(pattern)
  let expression: RegExp
  try {
    expression = new RegExp(parts[1] ?? '', `u${parts[2] ?? ''}`)
  } catch (error) {
    throw usageError(`${pattern}: ${error instanceof Error ? error.message : String(error)}.`)
  }
  return (text) => expression.test(text)
}
