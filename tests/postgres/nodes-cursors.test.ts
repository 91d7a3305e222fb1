/** Cursors of one node on the others. Rules N4a to N4c of docs/nodes.md. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatCursor, parseCursor } from '../../shared/src/cursor.ts'
import { eventually } from '../support/cluster.ts'
import { startNodes } from '../support/node-servers.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import type { TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { listen } from '../support/stream.ts'

let postgres: PostgresServer

/** How a node begins after a cursor: `resumed`, or the reason of the gap. */
type Begin = (node: TestServer, cursor: string) => Promise<string>

const STREAMS: Readonly<Record<string, (cursor: string) => [path: string, headers?: Record<string, string>]>> = {
  'Last-Event-ID': (cursor) => ['/sse?boardId=demo', { 'Last-Event-ID': cursor }],
  since: (cursor) => [`/sse?channels=global&since=${cursor}`],
  lastEventId: (cursor) => [`/sse?channels=board:demo,agent:ann&lastEventId=${cursor}`],
}

const BEGINS: Readonly<Record<string, Begin>> = {
  ...Object.fromEntries(
    Object.entries(STREAMS).map(([name, requestOf]): [string, Begin] => [
      name,
      async (node, cursor) => {
        const [path, headers] = requestOf(cursor)
        await using stream = await listen(node.url, path, { headers: headers ?? {} })
        const hello = (await stream.frame('hello')).data
        if ((hello.data ?? hello).resumed) return 'resumed'
        const gap = (await stream.frame('gap')).data
        return (gap.data ?? gap).reason
      },
    ]),
  ),
  'a board socket': async (node, cursor) => {
    await using socket = await SocketClient.open(node.url, `/ws?boardId=demo&since=${cursor}`)
    const hello = await socket.first('hello', ({ type }) => type === 'hello')
    if (hello.payload.resumed) return 'resumed'
    return (await socket.first('gap', ({ type }) => type === 'gap')).payload.reason
  },
  'since in a subscribe': async (node, cursor) => {
    await using socket = await SocketClient.open(node.url, '/ws?global=0')
    expect(await socket.ask({ type: 'subscribe', channel: 'global', since: cursor })).toMatchObject({ success: true })
    // A gap follows the acknowledgement at once, and this comes after it.
    await socket.ask({ type: 'subscribe', channel: 'topic:later' })
    return socket.named('gap')[0]?.data.reason ?? 'resumed'
  },
  'GET /events': async (node, cursor) => {
    const { status } = await node.call('GET', `/events?after=${cursor}`)
    return status === 200 ? 'resumed' : status === 400 ? 'invalid' : String(status)
  },
}

describe.skipIf(!hasPostgres())('a cursor of another node', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test('[N4a] [N4b] is good at once, and one ahead of the log is not', async () => {
    await using nodes = await startNodes(postgres, 3)
    const [a, ...others] = nodes.servers
    await a.post('/boards', { id: 'demo', name: 'Demo' })
    for (let n = 0; n < 5; n++) {
      for (const [name, begin] of Object.entries(BEGINS)) {
        for (const node of others) {
          const { eventId } = await a.post('/boards/demo/cards', { title: `card ${n}` })
          expect([name, await begin(node, eventId)]).toEqual([name, 'resumed'])
          expect([name, await begin(node, later(eventId))]).toEqual([name, 'invalid'])
        }
      }
    }
  })

  test('[N4c] the oldest id is the same on all nodes, when the leader has trimmed the log too', async () => {
    const retention = { maxAgeMs: Infinity, maxEvents: 100, maxBytes: Infinity }
    // Nodes that hear of others once a second report that they were too late for some events.
    await using nodes = await startNodes(postgres, 3, { retention, logLevel: 'silent' })
    const { servers } = nodes
    const [a, b, c] = servers as readonly [TestServer, TestServer, TestServer]
    await a.post('/boards', { id: 'demo', name: 'Demo' })
    const card = await b.post<{ id: string }>('/boards/demo/cards', { title: 'Watched' })
    const attempt = await c.post<{ id: string }>(`/cards/${card.id}/attempts`, { agent: 'ann', status: 'running' })
    const oldestOf = async (node: TestServer) =>
      (await node.get<{ oldest: string }>('/events?channels=global&limit=1')).oldest
    let oldest = ''
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 25; n++) {
        const lines = Array.from({ length: 100 }, (_, line) => ({ message: `${round} ${n} ${line}` }))
        await servers[n % 3]?.post(`/attempts/${attempt.id}/logs`, { lines })
      }
      // The leader counts what others have written once they have written much.
      await eventually('the leader trims', async () => seqOf(await oldestOf(b)) > seqOf(oldest) + 1_000)
      oldest = await settled(() => oldestOf(b))
      expect(await Promise.all(servers.map(oldestOf))).toEqual([oldest, oldest, oldest])
      for (const node of servers) {
        for (const [name, begin] of Object.entries(BEGINS)) {
          // Pages have what is left of what is older, too.
          if (name === 'GET /events') continue
          const before = formatCursor(epochOf(oldest), seqOf(oldest) - 1)
          expect([name, await begin(node, oldest)]).toEqual([name, 'resumed'])
          expect([name, await begin(node, before)]).toEqual([name, 'trimmed'])
        }
        await using stream = await listen(
          node.url,
          `/sse?channels=global&since=${later(formatCursor(epochOf(oldest), 0))}`,
        )
        expect((await stream.frame('gap')).data.data.oldest).toBe(oldest)
      }
    }
  })
})

/** What is answered twice with some time in between. */
async function settled(read: () => Promise<string>): Promise<string> {
  for (let last = await read(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 300))
    const next = await read()
    if (next === last) return last
    last = next
  }
}

/** The id after this one. */
function later(id: string): string {
  return formatCursor(epochOf(id), seqOf(id) + 1)
}

function epochOf(id: string): string {
  return id.split('-')[0] ?? ''
}

function seqOf(id: string): number {
  return parseCursor(id)?.seq ?? 0
}
