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

  test('[N15d] a log that went back is refused by every node, and by one that starts, though it grows again', async () => {
    const databaseUrl = await postgres.database()
    const name = new URL(databaseUrl).pathname.slice(1)
    const options = { databaseUrl, heartbeatMs: 100, logLevel: 'silent' } as const
    await using server = await startTestServer(options)
    await using other = await startTestServer(options)
    await server.post('/boards', { id: 'demo', name: 'Demo' })
    const kept = await server.post('/topics/t/events', { event: 'kept' })
    const lost = await server.post('/topics/t/events', { event: 'lost' })
    await using stream = await listen(server.url, '/sse?channels=topic:t')
    const isReady = async ({ url }: { url: string }) => (await fetch(`${url}/health/ready`)).status === 200
    // As a program would that knows nothing of what was lost.
    await postgres.query(
      `DELETE FROM events WHERE seq > ${seqOf(kept.eventId)}; DELETE FROM event_channels WHERE last_seq > ${seqOf(kept.eventId)}`,
      name,
    )
    expect((await server.call('GET', '/boards')).status).toBe(503)
    await expect.poll(() => isReady(other), { timeout: 10_000 }).toBe(false)
    await postgres.query(
      `INSERT INTO events (seq, type, at, chatter, skip, data)
       SELECT ${seqOf(kept.eventId)} + n, type, at, chatter, skip, data FROM events, generate_series(1, 5) AS n
       WHERE seq = ${seqOf(kept.eventId)}`,
      name,
    )
    for (const node of [server, other]) {
      expect((await node.call('POST', '/topics/t/events', { event: 'refused' })).status).toBe(503)
      expect((await node.call('GET', '/boards')).status).toBe(503)
    }
    await expect(startTestServer(options)).rejects.toThrow('Run "boardcast epoch --new".')

    const epoch = await newEpoch({ url: databaseUrl })
    for (const node of [server, other]) await expect.poll(() => isReady(node), { timeout: 10_000 }).toBe(true)
    await using again = await listen(server.url, `/sse?channels=topic:t&since=${lost.eventId}`)
    expect((await again.frame('gap')).data.data).toMatchObject({ reason: 'epoch' })
    expect((await other.post('/topics/t/events', { event: 'next' })).eventId).toBe(
      `${epoch}-${seqOf(kept.eventId) + 6}`,
    )
    expect(stream.frames.map(({ event }) => event)).not.toContain('refused')
  })

  test('[N15d] a log of an epoch that was over is refused', async () => {
    const url = await postgres.database()
    await using server = await startTestServer({ databaseUrl: url, heartbeatMs: 100, logLevel: 'silent' })
    const { eventId } = await server.post('/topics/t/events', { event: 'one' })
    await newEpoch({ url })
    await server.post('/topics/t/events', { event: 'two' })
    await postgres.query(
      `UPDATE meta SET value = '${epochOf(eventId)}' WHERE name = 'epoch'`,
      new URL(url).pathname.slice(1),
    )
    expect((await server.call('POST', '/topics/t/events', { event: 'three' })).status).toBe(503)
    expect(await (await fetch(`${server.url}/health/ready`)).text()).toContain('boardcast epoch --new')
  })

  test('[N15e] a database that has no epoch, or lacks a table, is refused until it is complete', async () => {
    const url = await postgres.database()
    const name = new URL(url).pathname.slice(1)
    await using server = await startTestServer({ databaseUrl: url, heartbeatMs: 100, logLevel: 'silent' })
    const { eventId } = await server.post('/topics/t/events', { event: 'one' })
    await using stream = await listen(server.url, `/sse?channels=topic:t&since=${eventId}`)
    await stream.frame('hello')
    for (const [away, back] of [
      ['DELETE FROM meta WHERE name = $$epoch$$', `INSERT INTO meta VALUES ('epoch', '${epochOf(eventId)}')`],
      ['ALTER TABLE boards RENAME TO away', 'ALTER TABLE away RENAME TO boards'],
      ['ALTER TABLE events RENAME TO away', 'ALTER TABLE away RENAME TO events'],
    ] as const) {
      await postgres.query(away, name)
      expect((await server.call('GET', '/boards')).status).toBe(503)
      expect((await server.call('POST', '/boards', { name: 'refused' })).status).toBe(503)
      await postgres.query(back, name)
      const isTaken = async () => (await server.call('POST', '/topics/t/events', { event: 'next' })).status === 202
      await expect.poll(isTaken, { timeout: 10_000 }).toBe(true)
    }
    await stream.until('what came after', () => stream.frames.filter(({ event }) => event === 'next').length === 3)
    expect(stream.frames.flatMap(({ id }) => (id ? [id] : [])).every((id) => epochOf(id) === epochOf(eventId))).toBe(
      true,
    )
    expect(stream.closed).toBe(false)
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
