import { Writable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { ProcessTerminal } from './process-terminal.ts'

test('after flush it is known that nobody reads any more, also of a piece that was handed over before', async () => {
  const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
  const stdout = vi.spyOn(process, 'stdout', 'get').mockReturnValue(gone as typeof process.stdout)
  try {
    const terminal = new ProcessTerminal()
    terminal.write('x'.repeat(100_000))
    await terminal.flush()
    expect(terminal.isClosed).toBe(true)
    terminal.write('unread')
    await terminal.flush()
  } finally {
    stdout.mockRestore()
  }
})
