/** A question to whoever runs a tool. */
import type { Terminal } from './tool.ts'

/** Prints the question; whether the next line of stdin is `y`. No line is a no. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  terminal.out(question)
  await terminal.flush()
  let text = ''
  for await (const piece of terminal.input()) {
    text += Buffer.from(piece).toString()
    if (text.includes('\n')) break
  }
  return text.split('\n', 1)[0]?.trim().toLowerCase() === 'y'
}
