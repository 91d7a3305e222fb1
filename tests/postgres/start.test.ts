/** A server on PostgreSQL: settings, faults of the start, and text of any kind. Rules PS1 to PS4 of docs/store.md. */
import { createServer } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { runProgram } from '../support/program.ts'
import { startTestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

let postgres: PostgresServer

describe.skipIf(!hasPostgres())('PostgreSQL', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  const urlOf = (user: string, name: string) => postgres.url(name).replace('postgres@', `${user}@`)

  test('[PS1] keeps everything in the database, and makes no file', async () => {
    const databaseUrl = await postgres.database()
    await using server = await startTestServer({ databaseUrl, dbPath: '/nowhere/at/all.db' })
    const { eventId } = await server.post('/boards', { id: 'demo', name: 'Demo' })
    await server.restart()
    await using stream = await listen(server.url, '/sse?channels=board:demo&since=0')
    await stream.id(eventId)
    expect(await server.get('/boards/demo')).toMatchObject({ board: { name: 'Demo' } })
  })

  test('[PS1] [N1e] a database that cannot be used ends the start with 2, the variable and the fix, and no password', async () => {
    await postgres.query(`CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
    await postgres.query('CREATE ROLE guest LOGIN')
    await postgres.query('CREATE DATABASE closed')
    const cases = [
      [urlOf('postgres:s3cret', 'missing'), 'a database that does not exist'],
      [urlOf('nobody:s3cret', 'postgres'), 'does not let this user log in'],
      [urlOf('postgres:s3cret', 'latin'), 'has the encoding LATIN1'],
      [urlOf('guest:s3cret', 'closed'), 'may not create tables'],
      ['mysql://root:s3cret@localhost/x', 'must be a URL such as postgres://user:password@host:5432/boardcast'],
    ] as const
    for (const [url, words] of cases) {
      await using program = runProgram(['serve', '--port', '0', '--database-url', url], {})
      expect([await program.ended, program.stderr]).toEqual([2, expect.stringContaining(words)])
      expect(program.stderr).toContain('BOARDCAST_DATABASE_URL')
      expect(program.stderr + program.stdout).not.toContain('s3cret')
    }
  })

  test('[PS1] waits for a server that does not answer yet', async () => {
    const databaseUrl = await postgres.database()
    const port = await freePort()
    await using program = runProgram(['serve', '--port', '0'], {
      BOARDCAST_DATABASE_URL: databaseUrl.replace(String(postgres.port), String(port)),
    })
    let refused = 0
    const early = createServer((socket) => {
      refused += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => early.listen(port, '127.0.0.1', resolve))
    while (refused < 2) await new Promise((resolve) => setTimeout(resolve, 20))
    await new Promise((resolve) => early.close(resolve))
    // From now on the port leads to the database.
    await using _proxy = await forward(port, postgres.port)
    await program.until(() => program.stdout.includes('listening on'))
    program.kill('SIGTERM')
    expect(await program.ended).toBe(0)
  })

  test('[PS2] several servers start at once on an empty database, and serve the same', async () => {
    const databaseUrl = await postgres.database()
    const servers = await Promise.all(['a', 'b', 'c'].map((node) => startTestServer({ databaseUrl, node })))
    try {
      await servers[0]?.post('/boards', { id: 'demo', name: 'Demo' })
      for (const server of servers) {
        expect(await server.get('/boards/demo')).toMatchObject({ board: { name: 'Demo' } })
      }
    } finally {
      for (const server of servers) await server[Symbol.asyncDispose]()
    }
  })

  test('[PS3] NUL and every other character come back as they were', async () => {
    await using server = await startTestServer({ databaseUrl: await postgres.database() })
    const name = '\0 \x01 \x01\x02 \u2028 é 😀 \\ \' " $1 ?'
    await server.post('/boards', { id: 'demo', name })
    expect(await server.get('/boards/demo')).toMatchObject({ board: { name } })
    const { body } = await server.call<{ events: Array<{ data: object }> }>('GET', '/events?types=board.created')
    expect(JSON.stringify(body)).toContain(JSON.stringify(name).slice(1, -1))
  })

  test('[PS4] sorts by bytes, whatever the locale of the database', async () => {
    const databaseUrl = await postgres.database(
      "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
    )
    await using _server = await startTestServer({ databaseUrl })
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    const { rows } = await client.query(
      `SELECT table_name, column_name FROM information_schema.columns
       WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`,
    )
    await client.end()
    expect(rows).toEqual([])
  })
})

/** Passes on every connection. */
async function forward(from: number, to: number): Promise<AsyncDisposable> {
  const { connect } = await import('node:net')
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => {
    const other = connect(to, '127.0.0.1')
    for (const end of [socket, other]) {
      sockets.add(end)
      end.on('error', () => {})
    }
    socket.pipe(other).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(from, '127.0.0.1', resolve))
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
