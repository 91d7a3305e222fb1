/** How nodes start: several at once, on databases of every age, beside nodes of another version. Rules N1c to N1g of docs/nodes.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrateAmongNodes } from '../../src/db/migrations/among-nodes.ts'
import { MIGRATIONS, NEWEST_SCHEMA } from '../../src/db/migrations/migrate.ts'
import { Connections } from '../../src/db/postgres/connections.ts'
import { Queries } from '../../src/db/postgres/queries.ts'
import { START_LOCK_NUMBER, startTransactionsOf } from '../../src/db/postgres/transactions.ts'
import { createApiClient, spreadOver } from '../support/api.ts'
import { BoardWriters } from '../support/board-writers.ts'
import { nodesAt, TestCluster } from '../support/cluster.ts'
import { CutListener } from '../support/cut-listener.ts'
import { readLog } from '../support/log-reader.ts'
import { startNodes } from '../support/node-servers.ts'
import { returnToSchema } from '../support/older-schema.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { runProgram } from '../support/program.ts'
import { chooseSeed, createRandom } from '../support/random.ts'
import { startTestServer } from '../support/server.ts'

let postgres: PostgresServer

describe.skipIf(!hasPostgres())('the start of nodes', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test.each([
    ['empty', 0],
    ['of the first version that is supported', 4],
    ['of the version before', NEWEST_SCHEMA - 1],
  ])('[N1c] three at once on a database that is %s', async (_, schema) => {
    const databaseUrl = await postgres.database()
    if (schema > 0) await makeOld(databaseUrl, schema)
    const cluster = TestCluster.on(databaseUrl)
    const nodes = await cluster.startAll(['a', 'b', 'c'])
    const [first] = nodes
    if (!first) throw new Error('no node has started')
    for (const { url } of nodes) {
      expect((await nodesAt({ url })).map(({ node }) => node)).toEqual(['a', 'b', 'c'])
      const { state } = await boardAt(url, schema > 0 ? 'old' : 'none')
      if (schema > 0) expect(Object.values(state.cards)).toMatchObject([{ title: 'from before' }])
    }
    const cursors = await Promise.all(nodes.map(({ url }) => cursorAt(url)))
    expect(new Set(cursors).size).toBe(1)
    const { rows } = await postgres.query(`SELECT value FROM meta WHERE name = 'schema'`, nameOf(databaseUrl))
    expect(rows).toEqual([{ value: String(NEWEST_SCHEMA) }])
  })

  test('[N1d] nodes go on while a newer version migrates, and a listener misses nothing', async () => {
    await using nodes = await startNodes(postgres, 2, { doorbell: { kind: 'postgres' } })
    const seed = chooseSeed()
    const random = createRandom(seed)
    const { servers, database } = nodes
    using api = spreadOver(
      servers.map(({ url }) => createApiClient(url)),
      random,
    )
    const { cursor: since } = await api.get('/cursor')
    await api.call('POST', '/boards', { id: 'demo', name: 'Demo' })
    const listeners = servers.map(
      ({ url }) =>
        new CutListener({ url: () => url, listening: { channels: ['board:demo'], view: 'full' }, gzip: false }),
    )
    for (const listener of listeners) listener.connect()
    const writers = await BoardWriters.begin({ api, boardId: 'demo', seed, names: ['ann', 'bob', 'cid', 'dan'] })
    let isMigrating = true
    const writing = (async () => {
      while (isMigrating) {
        writers.write(5)
        await writers.done()
      }
    })()
    const connections = new Connections({
      url: postgres.url(database),
      node: 'newer',
      durability: 'process',
      isPatient: true,
    })
    await migrateAmongNodes(startTransactionsOf(connections), await newerSteps(database))
    await connections.close()
    isMigrating = false
    await writing
    const { rows } = await postgres.query(`SELECT value FROM meta WHERE name = 'schema'`, database)
    expect(Number(rows[0]?.value)).toBeGreaterThan(NEWEST_SCHEMA)
    expect(
      [...writers.answers.keys()].filter((status) => status >= 500),
      `seed ${seed}`,
    ).toEqual([])
    await api.call('POST', '/boards/demo/cards', { title: 'afterwards' })
    const { state, cursor } = await api.get('/boards/demo')
    const log = await readLog(servers[0].url, since, cursor)
    expect(log.at(-1)).toMatchObject({ type: 'card.created' })
    for (const listener of listeners) {
      await listener.untilState(state)
      await listener.close()
      expect([listener.received.faults, listener.received.gaps]).toEqual([[], []])
    }
  })

  test('[N1e] a database of a newer version is refused, with exit code 2, the versions and the fix', async () => {
    const databaseUrl = await postgres.database()
    await using _ = await startTestServer({ databaseUrl })
    await postgres.query(`UPDATE meta SET value = '${NEWEST_SCHEMA + 1}' WHERE name = 'schema'`, nameOf(databaseUrl))
    const programs = ['a', 'b', 'c'].map((node) =>
      runProgram(['serve', '--port', '0'], { BOARDCAST_DATABASE_URL: withPassword(databaseUrl), BOARDCAST_NODE: node }),
    )
    for (const program of programs) {
      expect(await program.ended).toBe(2)
      expect(program.stderr).toContain('BOARDCAST_DATABASE_URL')
      expect(program.stderr).toContain(
        `was written by a newer Boardcast (schema ${NEWEST_SCHEMA + 1}; this version knows ${NEWEST_SCHEMA})`,
      )
      expect(program.stderr + program.stdout).not.toContain('s3cret')
    }
  })

  test('[N1e] every setting that cannot be used ends the start with 2, names the variable, and shows no password', async () => {
    const at = withPassword(await postgres.database())
    await postgres.query(`CREATE ROLE careful LOGIN PASSWORD 'right'`)
    await askForPassword('careful')
    const old = await postgres.database()
    await pretendToBe('140011', nameOf(old))
    const cases: ReadonlyArray<readonly [url: string, words: string]> = [
      ['postgres://root:s3cret@localhost:99999/x', 'must be a URL such as'],
      [at.replace('postgres:s3cret', 'careful:s3cret'), 'has a wrong user or password'],
      [at.replace('postgres:s3cret', 'careful'), 'asks for a password'],
      [`${at}?sslmode=require`, 'has an sslmode, but the server has no TLS'],
      [`${at}?options=-c%20foo`, 'cannot be used: -c foo requires a value'],
      [withPassword(old), 'is PostgreSQL 14.11. Boardcast needs 15 or newer'],
      ['postgres://u:s3cret@127.0.0.1:1/x?port=none', 'has a port that is not a number'],
      ['postgres://u:s3cret@127.0.0.1:1/x?sslrootcert=/no/such/file', 'cannot be used: ENOENT'],
      ['postgres://u:s3cret%ff@127.0.0.1:1/x', 'cannot be used: URI malformed'],
    ]
    for (const [url, words] of cases) {
      await using program = runProgram(['serve', '--port', '0'], { BOARDCAST_DATABASE_URL: url })
      expect([url, await program.ended, program.stderr]).toEqual([url, 2, expect.stringContaining(words)])
      expect(program.stderr).toContain('BOARDCAST_DATABASE_URL')
      expect(program.stderr + program.stdout).not.toMatch(/s3cret/)
    }
  })

  test('[N1e] all settings that cannot be used are named at once', async () => {
    await using program = runProgram(['serve'], {
      PORT: 'none',
      BOARDCAST_DATABASE_URL: 'mysql://root:s3cret@localhost/x',
      BOARDCAST_DOORBELL: 'redis://:s3cret@localhost/too/much',
      BOARDCAST_NODE: 'no spaces',
    })
    expect(await program.ended).toBe(2)
    for (const name of ['PORT', 'BOARDCAST_DATABASE_URL', 'BOARDCAST_DOORBELL', 'BOARDCAST_NODE']) {
      expect(program.stderr).toContain(`  ${name} must be`)
    }
    expect(program.stderr + program.stdout).not.toContain('s3cret')
  })

  test('[N1b] a name of connections in the URL does not hide that of the node', async () => {
    const databaseUrl = await postgres.database()
    const cluster = TestCluster.on(`${databaseUrl}?application_name=other`)
    await cluster.start('shown')
    const { rows } = await postgres.query(
      `SELECT DISTINCT application_name AS name FROM pg_stat_activity
       WHERE datname = '${nameOf(databaseUrl)}' AND pid <> pg_backend_pid()`,
    )
    expect(rows).toEqual([{ name: 'boardcast/shown' }])
  })

  test('[N1g] a new epoch that is drawn while a node starts is that of the node', async () => {
    const databaseUrl = await postgres.database()
    await (await startTestServer({ databaseUrl }))[Symbol.asyncDispose]()
    const drawing = new pg.Client({ connectionString: databaseUrl })
    await drawing.connect()
    await drawing.query('BEGIN')
    await drawing.query(`UPDATE meta SET value = 'abcd0123' WHERE name = 'epoch'`)
    const starting = startTestServer({ databaseUrl })
    starting.catch(() => {})
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = '${nameOf(databaseUrl)}' AND wait_event_type = 'Lock'`
    await expect.poll(async () => (await postgres.query(waiting)).rows.length, { timeout: 15_000 }).toBe(1)
    await drawing.query('COMMIT')
    await drawing.end()
    await using server = await starting
    expect(await server.get('/cursor')).toMatchObject({ cursor: expect.stringMatching(/^abcd0123-/) })
  })

  test('[N1f] a node waits for another one that migrates, however long that takes', async () => {
    const databaseUrl = await postgres.database()
    const migrating = new pg.Client({ connectionString: databaseUrl })
    await migrating.connect()
    await migrating.query('BEGIN')
    await migrating.query(`SELECT pg_advisory_xact_lock(${START_LOCK_NUMBER})`)
    const starting = startTestServer({ databaseUrl })
    starting.catch(() => {})
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = '${nameOf(databaseUrl)}'
      AND wait_event = 'advisory' AND clock_timestamp() - query_start > interval '5 s'`
    await expect.poll(async () => (await postgres.query(waiting)).rows.length, { timeout: 15_000 }).toBe(1)
    await migrating.end()
    await using server = await starting
    await server.post('/boards', { name: 'Demo' })
  })
})

/** A database with a board, as an older version has left it. */
async function makeOld(databaseUrl: string, schema: number): Promise<void> {
  {
    await using server = await startTestServer({ databaseUrl })
    await server.post('/boards', { id: 'old', name: 'Old' })
    await server.post('/boards/old/cards', { title: 'from before' })
    await server.close()
  }
  const client = new pg.Client({ connectionString: databaseUrl, pipeline: true } as pg.ClientConfig)
  await client.connect()
  const sql = new Queries(client)
  await sql.run('BEGIN')
  await returnToSchema(sql, schema)
  await sql.settle('COMMIT')
  await client.end()
}

/** Steps of a version that does not exist yet: a column for every table, an index and a table, one after the other. */
async function newerSteps(database: string): Promise<ReadonlyArray<readonly string[]>> {
  const { rows } = await postgres.query(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY random()`,
    database,
  )
  const names = rows.map(({ name }) => String(name))
  return [
    ...MIGRATIONS,
    names.map((name) => `ALTER TABLE ${name} ADD COLUMN newer INTEGER NOT NULL DEFAULT 7`),
    ['CREATE INDEX events_newer ON events (type, at)', 'CREATE TABLE newer (id INTEGER PRIMARY KEY, name TEXT)'],
    names.toReversed().map((name) => `ALTER TABLE ${name} ADD COLUMN newest TEXT`),
  ]
}

/** From now on the server asks this user for the password. */
async function askForPassword(user: string): Promise<void> {
  const { rows } = await postgres.query('SHOW hba_file')
  const path = String(rows[0]?.hba_file)
  writeFileSync(path, `host all ${user} 127.0.0.1/32 scram-sha-256\n${readFileSync(path, 'utf8')}`)
  await postgres.query('SELECT pg_reload_conf()')
}

/** Lets a database answer as one of another version does. */
async function pretendToBe(version: string, database: string): Promise<void> {
  await postgres.query('CREATE SCHEMA pretending', database)
  await postgres.query(
    `CREATE FUNCTION pretending.current_setting(text) RETURNS text LANGUAGE sql AS
      $$ SELECT CASE $1 WHEN 'server_version_num' THEN '${version}' ELSE '14.11' END $$`,
    database,
  )
  await postgres.query(`ALTER DATABASE ${database} SET search_path = pretending, pg_catalog, public`)
}

async function boardAt(url: string, id: string): Promise<{ state: { cards: object } }> {
  const response = await fetch(`${url}/api/v1/boards/${id}`)
  return (await response.json()) as { state: { cards: object } }
}

async function cursorAt(url: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/cursor`)
  return ((await response.json()) as { cursor: string }).cursor
}

function withPassword(databaseUrl: string): string {
  return databaseUrl.replace('postgres@', 'postgres:s3cret@')
}

function nameOf(databaseUrl: string): string {
  return new URL(databaseUrl).pathname.slice(1)
}
