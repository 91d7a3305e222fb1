/** A COMMIT whose connection is lost is answered with what became of it. Rules N14b and N14d of docs/nodes.md. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommitProxy, startCommitProxy } from '../support/commit-proxy.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

let postgres: PostgresServer

/** Posts an event that carries the text. Resolves to the status; undefined: the connection was closed without an answer. */
function post({ url }: TestServer, text: string): Promise<number | undefined> {
  return fetch(`${url}/api/v1/topics/t/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ event: 'said', data: { text } }),
  }).then(
    ({ status }) => status,
    () => undefined,
  )
}

/** Posts until it is taken: a node that has just met a fault refuses for a moment. */
async function accepted(server: TestServer, text: string): Promise<void> {
  while ((await post(server, text)) !== 202) await new Promise((resolve) => setTimeout(resolve, 50))
}

async function logOf(server: TestServer): Promise<string[]> {
  const { body } = await server.call('GET', '/events?channels=topic:t')
  return (body.events as Array<{ data: { text: string } }>).map(({ data }) => data.text)
}

describe.skipIf(!hasPostgres())('a COMMIT whose connection is lost', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start([])
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  /** One node behind the proxy, and one that reaches the database directly. */
  async function setUp(): Promise<{ proxy: CommitProxy; server: TestServer; other: TestServer } & AsyncDisposable> {
    const databaseUrl = await postgres.database()
    const proxy = await startCommitProxy(postgres)
    const options = { heartbeatMs: 1_000, logLevel: 'silent' } as const
    const server = await startTestServer({
      ...options,
      databaseUrl: databaseUrl.replace(String(postgres.port), String(proxy.port)),
    })
    const other = await startTestServer({ ...options, databaseUrl })
    return {
      proxy,
      server,
      other,
      async [Symbol.asyncDispose]() {
        proxy.isOpen = true
        await server[Symbol.asyncDispose]()
        await other[Symbol.asyncDispose]()
        await proxy[Symbol.asyncDispose]()
      },
    }
  }

  test('[N14b] that arrived: 202, and the event is shown once', async () => {
    await using nodes = await setUp()
    const { proxy, server, other } = nodes
    await using stream = await listen(server.url, '/sse?channels=topic:t')
    await stream.frame('hello')
    const lost = proxy.lose('the one', 'after')
    const answer = post(server, 'the one')
    await lost
    expect(await answer).toBe(202)
    await accepted(server, 'next')
    await stream.until('the next', () => stream.frames.filter(({ event }) => event === 'said').length === 2)
    expect(stream.frames.filter(({ event }) => event === 'said').map(({ data }) => data.data.text)).toEqual([
      'the one',
      'next',
    ])
    expect(await logOf(other)).toEqual(['the one', 'next'])
  })

  test('[N14b] that never arrived: 503, and the event is nowhere', async () => {
    await using nodes = await setUp()
    const { proxy, server, other } = nodes
    const lost = proxy.lose('the one', 'before')
    const answer = post(server, 'the one')
    await lost
    expect(await answer).toBe(503)
    await accepted(server, 'next')
    expect(await logOf(other)).toEqual(['next'])
  })

  test('[N14d] that was lost in a crash, after which another transaction has its id and its number: 503', async () => {
    await using nodes = await setUp()
    const { proxy, server, other } = nodes
    const lost = proxy.lose('the one', 'before', { shuts: true })
    const answer = post(server, 'the one')
    await lost
    await postgres.end('SIGQUIT')
    await postgres.begin()
    await accepted(other, 'another')
    proxy.isOpen = true
    expect(await answer).toBe(503)
    expect(await logOf(other)).toEqual(['another'])
  })

  test('[N14b] and that cannot be asked about: no answer, and the truth in the log', async () => {
    await using nodes = await setUp()
    const { proxy, server, other } = nodes
    const lost = proxy.lose('the one', 'after', { shuts: true })
    const answer = post(server, 'the one')
    await lost
    expect(await answer).toBe(undefined)
    expect(await logOf(other)).toEqual(['the one'])
    proxy.isOpen = true
    await accepted(server, 'next')
    expect(await logOf(server)).toEqual(['the one', 'next'])
  })
})
