import { defineConfig } from 'vitest/config'
import { hasPostgres } from './tests/support/postgres.ts'
import { eventNames } from './vite.event-names.ts'

/** The path of a JSON report, in addition to the output. */
const report = process.env.BOARDCAST_TEST_REPORT

const EVERYTHING = ['tests/**/*.test.ts']
/** Every test that starts a server, but those that are about files and programs, or run in a browser. */
const OVER_POSTGRES = ['auth', 'domain', 'faults', 'hostile', 'http', 'properties', 'rights', 'ws']

const sqlite = { extends: true as const, test: { name: 'SQLite', include: EVERYTHING } }
const postgres = (include: string[]) => ({
  extends: true as const,
  test: { name: 'PostgreSQL', include, globalSetup: ['tests/support/shared-postgres.ts'] },
})

/** `sqlite` (the default): all tests on SQLite; `postgres`: all on PostgreSQL; `both`: all on SQLite, and some on PostgreSQL. */
function projects() {
  switch (process.env.BOARDCAST_TEST_STORE) {
    case 'postgres':
      return hasPostgres() ? [postgres(EVERYTHING)] : []
    case 'both':
      return hasPostgres()
        ? [sqlite, postgres(OVER_POSTGRES.map((folder) => `tests/${folder}/**/*.test.ts`))]
        : [sqlite]
    default:
      return [sqlite]
  }
}

export default defineConfig({
  define: eventNames,
  test: {
    globalSetup: ['tests/support/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: projects(),
  },
})
