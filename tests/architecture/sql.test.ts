/** SQL in the common subset of SQLite and PostgreSQL; PO22 is stated in docs/store.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { sourcesIn } from './layers.ts'
import { literalsIn, sqlFaults } from './sql-subset.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Everything above the driver. */
const sources = sourcesIn(ROOT, 'src/db').filter(
  ({ path }) => !path.startsWith('src/db/sqlite/') && !path.startsWith('src/db/postgres/'),
)

test('[PO22] the queries of this repository keep to the common subset', () => {
  const texts = sources.map(({ path }) => ({ path, code: readFileSync(join(ROOT, path), 'utf8') }))
  expect(
    texts.flatMap(({ code }) => literalsIn(code)).filter((text) => text.startsWith('SELECT')).length,
  ).toBeGreaterThan(50)
  expect(texts.flatMap(({ path, code }) => sqlFaults(path, code))).toEqual([])
})

test.each([
  ['INSERT OR IGNORE INTO t (a) VALUES (?)', 'INSERT OR'],
  ['REPLACE INTO t (a) VALUES (?)', 'REPLACE INTO'],
  ['SELECT rowid FROM t', 'rowid'],
  ['SELECT max(a, b) FROM t', 'max(a,'],
  ['SELECT max(coalesce(a, 0), b) FROM t', 'max(coalesce(a, 0),'],
  ['SELECT ifnull(a, 0) FROM t', 'ifnull('],
  ['SELECT a FROM t WHERE a IS ?', 'IS ?'],
  ['SELECT a FROM t WHERE a IS NOT ?', 'IS NOT ?'],
  ['SELECT a FROM t WHERE a == ?', '=='],
  ["SELECT sum(status = 'done') AS n FROM t", "sum(status = '')"],
  ["SELECT a FROM t WHERE a LIKE 'x%'", 'LIKE'],
  ['SELECT a FROM t INDEXED BY i WHERE a = ?', 'INDEXED BY'],
  ['SELECT a FROM t WHERE +a = ?', 'WHERE +a'],
  ["SELECT strftime('%s', a) FROM t", 'strftime('],
  ["SELECT json_extract(a, '$.b') FROM t", 'json_extract('],
  ['SELECT substr(a, 1, 9) AS a FROM t', 'substr('],
  ["SELECT a || 'x' AS a FROM t", '||'],
  ['SELECT a FROM t LIMIT -1', 'LIMIT -'],
  ['SELECT a FROM t LIMIT ?, ?', 'LIMIT ?,'],
  ['SELECT a FROM t ORDER BY a COLLATE NOCASE', 'COLLATE'],
  ['SELECT a::text FROM t', '::text'],
  ['CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)', 'AUTOINCREMENT'],
  ['CREATE TABLE t (a BLOB)', 'BLOB'],
  ['SELECT a FROM t FOR UPDATE', 'FOR UPDATE'],
  ['SELECT a FROM t WHERE a = $1', '$1'],
])('[PO22] %s is refused', (query, found) => {
  const faults = sqlFaults('a.ts', `sql.get("${query}")`)
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain(`"${found}" is not common`)
})

test('[PO22] a sub-select in FROM without a name is refused', () => {
  expect(sqlFaults('a.ts', "sql.get('SELECT a FROM (SELECT (b) AS a FROM t) WHERE a > ?')")).toEqual([
    'a.ts: a sub-select in FROM has no name in SELECT a FROM (SELECT (b) AS a FROM t) WHERE a > ?',
  ])
  expect(sqlFaults('a.ts', `sql.get(\`SELECT a FROM (\${query})\`)`)).toHaveLength(1)
  expect(sqlFaults('a.ts', "sql.get('SELECT a FROM (SELECT b AS a FROM t) AS n WHERE a > ?')")).toEqual([])
  expect(sqlFaults('a.ts', "sql.get('SELECT a FROM (SELECT b AS a FROM t) n CROSS JOIN u')")).toEqual([])
})

test('[PO22] what is no query, and what stands in quotes, is not refused', () => {
  const code = [
    '// INSERT OR IGNORE INTO t VALUES (1)',
    "const text = 'a like b'",
    "const query = `SELECT a FROM t WHERE a = 'LIKE' AND b IS NOT NULL AND c IS NOT DISTINCT FROM ? LIMIT ?`",
    `const nested = \`SELECT max(a) AS a FROM \${tables.map((name) => \`x \${name}\`).join(', ')}\``,
  ].join('\n')
  expect(sqlFaults('a.ts', code)).toEqual([])
})
