import { defineConfig } from 'vitest/config'
import { hasPostgres } from './tests/support/postgres.ts'
import { eventNames } from './vite.event-names.ts'

/** The path of a JSON report, in addition to the output. */
const report = process.env.BOARDCAST_TEST_REPORT

const EVERYTHING = ['tests/**/*.test.ts']
/** Every folder with tests that talk to a store. The contract suite brings a PostgreSQL server of its own. */
const TALKS_TO_A_STORE = ['auth', 'browser', 'cli', 'client', 'db', 'domain', 'faults', 'hostile', 'http', 'properties']
  .concat(['rights', 'ws'])
  .map((folder) => `tests/${folder}/**/*.test.ts`)
/** What `npm test` repeats on PostgreSQL, in a few minutes: the routes, streams and sockets themselves. */
const CORE = [
  'tests/http/{actors,agent-output,api,catalogue,events,hostile,line,metrics,sessions,shells,streams,tasks,topics,workflow}*.test.ts',
  'tests/rights/http-rights.test.ts',
  'tests/ws/{authors,board-socket,channels,presence,publish,since}.test.ts',
]

const sqlite = { extends: true as const, test: { name: 'SQLite', include: EVERYTHING } }
const postgres = (include: string[]) => ({
  extends: true as const,
  test: { name: 'PostgreSQL', include, globalSetup: ['tests/support/shared-postgres.ts'] },
})

/**
 * `sqlite` (the default): all tests on SQLite; `postgres`: those that talk to a store, on PostgreSQL; `both`: all on SQLite,
 * and the core on PostgreSQL too.
 */
function projects() {
  const store = process.env.BOARDCAST_TEST_STORE ?? 'sqlite'
  if (store === 'sqlite') return [sqlite]
  if (store === 'postgres') return [postgres(TALKS_TO_A_STORE)]
  if (store === 'both') return hasPostgres() ? [sqlite, postgres(CORE)] : [sqlite]
  throw new Error(`BOARDCAST_TEST_STORE=${store}: it can be sqlite, postgres or both`)
}

export default defineConfig({
  define: eventNames,
  test: {
    globalSetup: ['tests/support/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 30_000,
    maxWorkers: 3,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: projects(),
  },
})
