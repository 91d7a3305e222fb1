/**
 * Layers: which file may import which.
 *
 *   FL1  A file imports from its own folder and from the folders below it, in the order of LAYERS, never from above;
 *        imports of types count.
 *   FL2  No files import each other in a cycle (cycles.test.ts).
 *   FL3  shared/ imports zod and nothing else, and uses neither Node nor the DOM. web/ imports shared/ and web/ only. The
 *        command line imports shared/, src/contract/index.ts and src/main.ts only.
 *   FL4  Every folder of src/ and web/ is a layer.
 *   FL5  Only src/base/config.ts and src/cli/process/environment.ts read process.env; src/main.ts passes it to loadConfig.
 *   FL6  Only src/db holds SQL.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { sourcesIn, violations } from './layers.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The violations in a tree of these files. */
function check(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'boardcast-layers-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return violations(root)
}

test('[FL1] [FL3] [FL4] [FL5] [FL6] this repository is in order', () => {
  expect(violations(ROOT)).toEqual([])
})

test('[FL1] the checker sees every file and every kind of import', () => {
  const sources = ['shared', 'src', 'web'].flatMap((folder) => sourcesIn(ROOT, folder))
  expect(sources.length).toBeGreaterThan(100)
  const importsOf = (file: string) => sources.find(({ path }) => path === file)?.imports
  expect(importsOf('src/server/start.ts')).toEqual(
    expect.arrayContaining(['src/server/app.ts', 'src/db/store.ts', 'shared/src/cursor.ts']),
  )
  expect(importsOf('src/main.ts')).toContain('node:fs')
  // Imported when its command is run.
  expect(importsOf('src/cli/server/serve.ts')).toContain('src/main.ts')
})

const IN_ORDER = {
  'shared/src/cursor.ts':
    "import * as z from 'zod'\n/** See document.title, and `SELECT x FROM y`. */\nexport const a = z",
  'src/base/errors.ts': "import type { a } from '../../shared/src/cursor.ts'\nexport type E = typeof a",
  'src/db/rows/cards.ts': "import type { Sql } from '../sql.ts'\nexport const q: Sql = 'SELECT id FROM cards'",
  'src/db/sql.ts': 'export type Sql = string',
  'src/domain/cards.ts': "export { q } from '../db/rows/cards.ts'",
  'src/main.ts': "import './domain/cards.ts'\nimport { loadConfig } from './base/config.ts'\nloadConfig(process.env)",
  'src/base/config.ts': 'export const loadConfig = (env: unknown) => env ?? process.env',
  'src/cli/serve.ts': "export const main = () => import('../main.ts')",
  'web/client/stores/stores.ts': 'export interface Stores {}',
  'web/app/page.ts': "import '../../shared/src/cursor.ts'\nimport './page.css'\ndocument.title = 'page'",
}

test('[FL1] [FL3] [FL5] [FL6] reports nothing that is allowed', () => {
  expect(check(IN_ORDER)).toEqual([])
})

test.each([
  [
    'an import from above',
    'src/domain/cards.ts',
    "import '../routes/cards.ts'",
    'src/domain/cards.ts imports src/routes/cards.ts, which is in a layer above it',
  ],
  [
    'an import of a type from above',
    'src/db/sql.ts',
    "import type { a } from './rows/tasks.ts'",
    'src/db/sql.ts imports src/db/rows/tasks.ts, which is in a layer above it',
  ],
  [
    'a type that is imported in place',
    'src/base/errors.ts',
    "export type A = import('../db/sql.ts').Sql",
    'src/base/errors.ts imports src/db/sql.ts, which is in a layer above it',
  ],
  [
    'an export over several lines',
    'src/db/rows/cards.ts',
    "export {\n  a,\n  b,\n} from '../../domain/cards.ts'",
    'src/db/rows/cards.ts imports src/domain/cards.ts, which is in a layer above it',
  ],
  [
    'delivery that imports SSE text',
    'src/sse/delivery/audience.ts',
    "import { f } from '../wire/frames.ts'",
    'src/sse/delivery/audience.ts imports src/sse/wire/frames.ts, which is in a layer above it',
  ],
  [
    'an inner folder that imports the one around it',
    'src/sse/delivery/audience.ts',
    "import type { Bus } from '../bus.ts'",
    'src/sse/delivery/audience.ts imports src/sse/bus.ts, which is in a layer above it',
  ],
  [
    'SSE that imports WebSocket',
    'src/sse/wire/frames.ts',
    "import { f } from '../../ws/frames.ts'",
    'src/sse/wire/frames.ts imports src/ws/frames.ts, which is in a layer above it',
  ],
  [
    'a server that imports the page',
    'src/server/app.ts',
    "import { f } from '../../web/app/page.ts'",
    'src/server/app.ts imports web/app/page.ts, which is in a layer above it',
  ],
  [
    'a command that reaches past main',
    'src/cli/serve.ts',
    "import { f } from '../server/app.ts'",
    'src/cli/serve.ts imports src/server/app.ts: the command line imports shared/, src/text, src/expect, src/contract/index.ts and src/main.ts only',
  ],
  [
    'a stream of the client library that imports its stores',
    'web/client/stream/reader.ts',
    "import type { Stores } from '../stores/stores.ts'",
    'web/client/stream/reader.ts imports web/client/stores/stores.ts, which is in a layer above it',
  ],
  [
    'a file of the client library in no layer',
    'web/client/core/client.ts',
    'export const a = 1',
    'web/client/core/client.ts is in no layer: move it, or add web/client/core to LAYERS in tests/architecture/layers.ts',
  ],
  [
    'a page that imports the server',
    'web/app/page.ts',
    "import '../../src/base/errors.ts'",
    'web/app/page.ts imports src/base/errors.ts: web/ imports shared/ and web/ only',
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
    'a folder that is no layer',
    'src/utils/text.ts',
    'export const a = 1',
    'src/utils/text.ts is in no layer: move it, or add src/utils to LAYERS in tests/architecture/layers.ts',
  ],
  [
    'a folder in a layer that is no layer itself',
    'src/db/oracle/driver.ts',
    'export const a = 1',
    'src/db/oracle/driver.ts is in no layer: move it, or add src/db/oracle to LAYERS in tests/architecture/layers.ts',
  ],
  [
    'settings read elsewhere',
    'src/base/logger.ts',
    'export const level = process.env.LOG_LEVEL',
    'src/base/logger.ts reads process.env: settings come from src/base/config.ts',
  ],
  [
    'settings read in main',
    'src/main.ts',
    'export const port = process.env.PORT',
    'src/main.ts reads process.env: settings come from src/base/config.ts',
  ],
  [
    'SQL in a route',
    'src/routes/cards.ts',
    'export const q = `\n  SELECT id\n  FROM cards`',
    'src/routes/cards.ts holds SQL, which belongs in src/db',
  ],
  [
    'SQL that writes',
    'src/domain/cards.ts',
    "export const q = 'DELETE FROM cards'",
    'src/domain/cards.ts holds SQL, which belongs in src/db',
  ],
])('[FL1] [FL3] [FL4] [FL5] [FL6] reports %s', (_, path, text, report) => {
  const others = {
    'src/routes/cards.ts': '',
    'src/db/rows/tasks.ts': '',
    'src/domain/cards.ts': '',
    'src/sse/bus.ts': '',
    'src/sse/wire/frames.ts': '',
    'src/ws/frames.ts': '',
    'src/server/app.ts': '',
  }
  expect(check({ ...IN_ORDER, ...others, [path]: text })).toEqual([report])
})

test('[FL1] reports an import of a missing file', () => {
  expect(check({ 'src/domain/a.ts': "import './gone.ts'" })).toEqual([
    'src/domain/a.ts imports src/domain/gone.ts, which does not exist',
  ])
})
