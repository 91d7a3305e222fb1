import { defineConfig } from 'vitest/config'
import { eventNames } from './vite.event-names.ts'

/** The path of a JSON report, in addition to the output. */
const report = process.env.BOARDCAST_TEST_REPORT

export default defineConfig({
  define: eventNames,
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
  },
})
