/** Ends a tool from anywhere in it: what is printed, on which stream, and the exit code. */
export class ToolExit extends Error {
  readonly exitCode: number
  readonly stream: 'out' | 'error'

  /** @param text lines without the last one's end; empty prints nothing. */
  constructor(exitCode: number, text: string, stream: 'out' | 'error' = exitCode === 0 ? 'out' : 'error') {
    super(text)
    this.name = 'ToolExit'
    this.exitCode = exitCode
    this.stream = stream
  }
}

/** A refusal with its sentence on stderr. */
export function failure(sentence: string): ToolExit {
  return new ToolExit(1, sentence)
}
