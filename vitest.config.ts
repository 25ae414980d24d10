import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/golden/**/*.test.ts', 'test/interop/**/*.test.mjs'],
    pool: 'threads',
    maxWorkers: 2,
    testTimeout: 20_000,
    isolate: false,
  },
})
