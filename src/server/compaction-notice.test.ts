import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import { CompactionNotice } from './compaction-notice.ts'

test('topics with cleanup.policy=compact are named in one line, each once', () => {
  const lines: string[] = []
  const notice = new CompactionNotice({ ...SILENT, warn: (line) => lines.push(line) })
  const compact = { ...DEFAULT_LOG_CONFIG, compact: true }
  notice.look([
    { name: 'b', config: compact },
    { name: 'plain', config: DEFAULT_LOG_CONFIG },
    { name: 'a', config: compact },
  ])
  notice.look([{ name: 'a', config: compact }])
  expect(lines).toEqual([expect.stringContaining('all records are kept: a, b (')])
})
