// How tests run: in threads that share their modules, on one PostgreSQL for the whole run.

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'simulation/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: 'test/global-setup.ts',
    pool: 'threads',
    isolate: false,
    // One more than two processors: a thread waits for PostgreSQL and for processes for an eighth of its time and more.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
