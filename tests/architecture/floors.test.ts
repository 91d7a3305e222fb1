/**
 * The house: who may import whom.
 *
 *   FL1  A file imports from its own floor and those below, never from above; imports of types count. The floors, from the
 *       ground: shared; config, errors, logger; the store in src/db; the rows of the resources in src/db; domain; auth;
 *       sse core; sse edge; ws; routes; app; main; cli.
 *   FL2  There is no cycle of files.
 *   FL3  shared/ imports zod and nothing else, and uses neither Node nor the DOM. web/ imports shared/ and web/ only. The
 *       command line imports shared/ and src/main.ts only.
 *   FL4  Every file of src/ has a floor.
 *   FL5  Only src/config.ts and src/cli/environment.ts read process.env; src/main.ts hands it to loadConfig.
 *   FL6  Only src/db holds SQL.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { sourcesIn, violations } from './floors.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What is wrong with a house of these files. */
function check(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'boardcast-floors-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return violations(root)
}

test('[FL1] [FL2] [FL3] [FL4] [FL5] [FL6] this house is in order', () => {
  expect(violations(ROOT)).toEqual([])
})

test('[FL1] the checker sees the files and the imports that there are', () => {
  const sources = ['shared', 'src', 'web'].flatMap((folder) => sourcesIn(ROOT, folder))
  expect(sources.length).toBeGreaterThan(100)
  const main = sources.find(({ path }) => path === 'src/main.ts')
  expect(main?.imports).toEqual(
    expect.arrayContaining(['src/app.ts', 'src/db/store.ts', 'shared/src/cursor.ts', 'node:fs']),
  )
  // Imported when its command is run.
  expect(sources.find(({ path }) => path === 'src/cli/serve.ts')?.imports).toContain('src/main.ts')
})

const IN_ORDER = {
  'shared/src/cursor.ts':
    "import * as z from 'zod'\n/** See document.title, and `SELECT x FROM y`. */\nexport const a = z",
  'src/errors.ts': "import type { a } from '../shared/src/cursor.ts'\nexport type E = typeof a",
  'src/db/cards.ts': "import type { Sql } from './sql.ts'\nexport const q: Sql = 'SELECT id FROM cards'",
  'src/db/sql.ts': 'export type Sql = string',
  'src/domain/cards.ts': "export { q } from '../db/cards.ts'",
  'src/main.ts': "import './domain/cards.ts'\nimport { loadConfig } from './config.ts'\nloadConfig(process.env)",
  'src/config.ts': 'export const loadConfig = (env: unknown) => env ?? process.env',
  'src/cli/serve.ts': "export const main = () => import('../main.ts')",
  'web/app/page.ts': "import '../../shared/src/cursor.ts'\nimport './page.css'\ndocument.title = 'page'",
}

test('[FL1] [FL3] [FL5] [FL6] what is allowed is not reported', () => {
  expect(check(IN_ORDER)).toEqual([])
})

test.each([
  [
    'an import from above',
    'src/domain/cards.ts',
    "import '../routes/cards.ts'",
    'src/domain/cards.ts (domain) imports src/routes/cards.ts (routes), which is above it',
  ],
  [
    'an import of a type from above',
    'src/db/sql.ts',
    "import type { a } from './rows.ts'",
    'src/db/sql.ts (store) imports src/db/rows.ts (rows), which is above it',
  ],
  [
    'a type that is imported in place',
    'src/errors.ts',
    "export type A = import('./db/sql.ts').Sql",
    'src/errors.ts (ground) imports src/db/sql.ts (store), which is above it',
  ],
  [
    'an export over several lines',
    'src/db/cards.ts',
    "export {\n  a,\n  b,\n} from '../domain/cards.ts'",
    'src/db/cards.ts (rows) imports src/domain/cards.ts (domain), which is above it',
  ],
  [
    'the core that imports the edge',
    'src/sse/bus.ts',
    "import { f } from './frames.ts'",
    'src/sse/bus.ts (sse core) imports src/sse/frames.ts (sse edge), which is above it',
  ],
  [
    'sse that imports ws',
    'src/sse/frames.ts',
    "import { f } from '../ws/frames.ts'",
    'src/sse/frames.ts (sse edge) imports src/ws/frames.ts (ws), which is above it',
  ],
  [
    'a server that imports the page',
    'src/app.ts',
    "import { f } from '../web/app/page.ts'",
    'src/app.ts (app) imports web/app/page.ts (web), which is above it',
  ],
  [
    'a command that reaches past main',
    'src/cli/serve.ts',
    "import { f } from '../app.ts'",
    'src/cli/serve.ts imports src/app.ts: the command line imports shared/ and src/main.ts only',
  ],
  [
    'a page that imports the server',
    'web/app/page.ts',
    "import '../../src/errors.ts'",
    'web/app/page.ts imports src/errors.ts: web/ imports shared/ and web/ only',
  ],
  [
    'a page that imports a package',
    'web/app/page.ts',
    "import { h } from 'preact'",
    'web/app/page.ts imports preact: web/ imports shared/ and web/ only',
  ],
  [
    'shared that imports Node',
    'shared/src/a.ts',
    "import { join } from 'node:path'",
    'shared/src/a.ts imports node:path: shared/ imports zod and nothing else',
  ],
  ['shared that uses the DOM', 'shared/src/a.ts', 'export const t = document.title', 'shared/src/a.ts uses the DOM'],
  [
    'a file without a floor',
    'src/utils.ts',
    'export const a = 1',
    'src/utils.ts has no floor: give it one in tests/architecture/floors.ts',
  ],
  [
    'an sse file without a floor',
    'src/sse/extra.ts',
    'export const a = 1',
    'src/sse/extra.ts has no floor: give it one in tests/architecture/floors.ts',
  ],
  [
    'settings read elsewhere',
    'src/logger.ts',
    'export const level = process.env.LOG_LEVEL',
    'src/logger.ts reads process.env: settings come from src/config.ts',
  ],
  [
    'settings read in main',
    'src/main.ts',
    'export const port = process.env.PORT',
    'src/main.ts reads process.env: settings come from src/config.ts',
  ],
  [
    'SQL in a route',
    'src/routes/cards.ts',
    'export const q = `\n  SELECT id\n  FROM cards`',
    'src/routes/cards.ts holds SQL, which belongs into src/db',
  ],
  [
    'SQL that writes',
    'src/domain/cards.ts',
    "export const q = 'DELETE FROM cards'",
    'src/domain/cards.ts holds SQL, which belongs into src/db',
  ],
])('[FL1] [FL3] [FL4] [FL5] [FL6] reports %s', (_, path, text, report) => {
  const others = {
    'src/routes/cards.ts': '',
    'src/db/rows.ts': '',
    'src/domain/cards.ts': '',
    'src/sse/frames.ts': '',
    'src/ws/frames.ts': '',
    'src/app.ts': '',
  }
  expect(check({ ...IN_ORDER, ...others, [path]: text })).toEqual([report])
})

test('[FL2] reports cycles, of one floor and of types too', () => {
  const files = {
    'src/domain/a.ts': "import { b } from './b.ts'",
    'src/domain/b.ts': "import type { c } from './c.ts'",
    'src/domain/c.ts': "export * from './a.ts'",
  }
  expect(check(files)).toEqual(['a cycle: src/domain/a.ts > src/domain/b.ts > src/domain/c.ts > src/domain/a.ts'])
})

test('[FL1] reports an import of what is not there', () => {
  expect(check({ 'src/domain/a.ts': "import './gone.ts'" })).toEqual([
    'src/domain/a.ts imports src/domain/gone.ts, which is not there',
  ])
})
