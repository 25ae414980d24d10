import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/golden/**/*.test.ts', 'test/mutants/*.test.ts', 'test/interop/**/*.test.mjs'],
    pool: 'threads',
    maxWorkers: 2,
    // No test depends on time: it ends only what hangs. What is ended goes on beside the tests that come later in its thread.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    isolate: false,
  },
})
