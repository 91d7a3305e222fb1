/** A server on PostgreSQL whose database gets a new epoch, or goes back. N15 is stated in docs/nodes.md. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newEpoch } from '../../src/main.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { startTestServer } from '../support/server.ts'
import { listen, type ReceivedFrame } from '../support/stream.ts'

let postgres: PostgresServer

describe.skipIf(!hasPostgres())('PostgreSQL', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test('[N15b] a server takes a new epoch up: streams end, and get a gap and fresh state when they come back', async () => {
    const url = await postgres.database()
    await using server = await startTestServer({ databaseUrl: url, heartbeatMs: 100 })
    await server.post('/boards', { id: 'demo', name: 'Demo' })
    await using stream = await listen(server.url, '/sse?channels=board:demo')
    const { eventId: old } = await server.post('/boards/demo/cards', { title: 'one' })
    await stream.id(old)

    const epoch = await newEpoch({ url })
    await expect.poll(() => stream.closed, { timeout: 10_000 }).toBe(true)
    expect(stream.frames.every(({ id }) => id === undefined || id.startsWith(epochOf(old)))).toBe(true)

    await using again = await listen(server.url, '/sse?channels=board:demo', { headers: { 'Last-Event-ID': old } })
    expect((await again.frame('gap')).data.data).toMatchObject({ requested: old, reason: 'epoch' })
    expect(titlesIn(await again.frame('state'))).toEqual(['one'])
    const { eventId } = await server.post('/boards/demo/cards', { title: 'two' })
    expect(eventId).toBe(`${epoch}-${seqOf(old) + 1}`)
    await again.id(eventId)
    expect(await server.get('/boards/demo')).toMatchObject({ cursor: eventId })
    // Now, and for ever after.
    await using late = await listen(server.url, `/sse?channels=board:demo&since=${old}`)
    expect((await late.frame('gap')).data.data).toMatchObject({ reason: 'epoch' })
  })

  test('[N15c] a log that went back is shown and changed by nobody, until it has a new epoch', async () => {
    const url = await postgres.database()
    await using server = await startTestServer({ databaseUrl: url, heartbeatMs: 100 })
    await server.post('/boards', { id: 'demo', name: 'Demo' })
    const kept = await server.post('/boards/demo/cards', { title: 'kept' })
    const lost = await server.post<{ id: string }>('/boards/demo/cards', { title: 'lost' })
    await using stream = await listen(server.url, '/sse?channels=board:demo')
    expect(titlesIn(await stream.frame('state'))).toEqual(['kept', 'lost'])
    const name = new URL(url).pathname.slice(1)
    await postgres.query(
      `DELETE FROM events WHERE seq > ${seqOf(kept.eventId)}; DELETE FROM cards WHERE id = '${lost.id}'`,
      name,
    )

    expect((await server.call('POST', '/boards/demo/cards', { title: 'refused' })).status).toBe(503)
    expect((await server.call('GET', '/boards/demo')).status).toBe(503)
    const ready = await fetch(`${server.url}/health/ready`)
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('boardcast epoch --new')])
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
    await stream.frame('heartbeat')
    expect(stream.closed).toBe(false)

    const epoch = await newEpoch({ url })
    await expect.poll(() => stream.closed, { timeout: 10_000 }).toBe(true)
    await expect.poll(async () => (await fetch(`${server.url}/health/ready`)).status, { timeout: 10_000 }).toBe(200)
    await using again = await listen(server.url, '/sse?channels=board:demo', {
      headers: { 'Last-Event-ID': lost.eventId },
    })
    expect((await again.frame('gap')).data.data).toMatchObject({ reason: 'epoch' })
    expect(titlesIn(await again.frame('state'))).toEqual(['kept'])
    const { eventId } = await server.post('/boards/demo/cards', { title: 'next' })
    expect(eventId).toBe(`${epoch}-${seqOf(kept.eventId) + 1}`)
    await again.id(eventId)
  })
})

function titlesIn({ data }: ReceivedFrame): string[] {
  return Object.values<{ title: string }>(data.data.cards).map(({ title }) => title)
}

function epochOf(cursor: string): string {
  return String(cursor.split('-')[0])
}

function seqOf(cursor: string): number {
  return Number(cursor.split('-')[1])
}
