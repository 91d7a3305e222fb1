/** Tickets, and the cookie that a browser gets for one. Rules AU17 to AU22 of docs/security.md. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator } from '../../src/auth/create-authenticator.ts'
import { issueTicket, redeemTicket } from '../../src/auth/tickets.ts'
import { loadConfig } from '../../src/base/config.ts'
import { createLogger } from '../../src/base/logger.ts'
import { createStore } from '../../src/db/store.ts'
import { everythingIn } from '../support/beside.ts'
import { gate } from '../support/gate.ts'
import { answerLink, openLink } from '../support/page-login.ts'
import { rawRequest } from '../support/raw-request.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener } from '../support/stream.ts'
import { TestStore } from '../support/test-store.ts'
import { actingAs, bearer, seconds, sign, startServerWithRights, tokenFor } from '../support/tokens.ts'

interface Made {
  readonly ticket: string
  readonly expiresAt: string
}

let server: TestServer
beforeAll(async () => {
  server = await startServerWithRights()
  const { post } = actingAs(server, await tokenFor(['*']))
  for (const id of ['demo', 'other']) await post('/boards', { id, name: id })
})
afterAll(() => server[Symbol.asyncDispose]())

async function ticketOf(token: string, body: object = {}, on = server): Promise<Made> {
  return actingAs(on, token).post<Made>('/tickets', body)
}

/** Opens a page, signs in if it asks, and returns where the browser is sent and the cookie that it gets. */
async function open(path: string, headers: Record<string, string> = {}, on = server) {
  const { status, location, cookie } = await answerLink(on, await openLink(on, path, headers), headers)
  return { status, location, cookie }
}

/** What the holder of the ticket may read, by the cookie that it is exchanged for. */
async function reads(ticket: string, path: string, on = server): Promise<number> {
  const { cookie } = await open(`/?ticket=${ticket}`, {}, on)
  return (await on.call('GET', path, undefined, { Cookie: cookie?.split(';')[0] ?? '' })).status
}

describe('a ticket', () => {
  it('[AU17] has the rights of the token that it was asked for with, and 30 s to be used', async () => {
    const answer = await server.call('POST', '/tickets', undefined, bearer(await tokenFor(['board:demo'])))
    expect(answer.status).toBe(201)
    const { ticket, expiresAt, ...more } = answer.body as unknown as Made
    expect(more).toEqual({})
    expect(ticket).toMatch(/^[\w-]{43}$/)
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(20_000)
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(30_000)
    expect(await reads(ticket, '/boards/demo')).toBe(200)
    const another = await ticketOf(await tokenFor(['board:demo']))
    expect(await reads(another.ticket, '/boards/other')).toBe(403)
  })

  it('[AU17] is asked for with a token, and not with a ticket', async () => {
    expect((await server.call('POST', '/tickets', {})).status).toBe(401)
    const { ticket } = await ticketOf(await tokenFor(['*']))
    expect((await server.call('POST', `/tickets?ticket=${ticket}`, {})).status).toBe(401)
    expect((await server.call('GET', `/boards?ticket=${ticket}`)).status).toBe(401)
  })

  it('[AU18] is limited to the channels that it is asked for', async () => {
    const token = await tokenFor(['board:*', 'agent:a'], ['board:demo'], { boardcast: { admin: true } })
    const { ticket } = await ticketOf(token, { channels: ['board:demo', 'agents/a'] })
    const { cookie = '' } = await open(`/?ticket=${ticket}`)
    const claims = JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString())
    expect(claims.boardcast).toEqual({ subscribe: ['agent:a', 'board:demo'], publish: ['board:demo'], admin: false })
  })

  it.each([
    ['a channel that the token may not use', 403, { channels: ['board:demo', 'board:secret'] }],
    ['more than one pattern of the token', 403, { channels: ['board:*'] }],
    ['everything', 403, { channels: ['*'] }],
    ['no name of a channel', 422, { channels: ['nonsense'] }],
    ['a star in the middle', 422, { channels: ['board:*:x'] }],
    ['an empty list', 422, { channels: [] }],
    ['no list', 422, { channels: 'board:demo' }],
    ['an unknown field', 422, { channel: 'board:demo' }],
  ])('[AU18] %s: refused, with %i', async (_, status, body) => {
    const token = await tokenFor(['board:demo', 'agent:a'])
    expect((await server.call('POST', '/tickets', body, bearer(token))).status).toBe(status)
  })

  it('[AU17] does not live longer than its token, nor does the session', async () => {
    const exp = seconds(4)
    const { expiresAt, ticket } = await ticketOf(await tokenFor(['*'], [], { exp }))
    expect(Date.parse(expiresAt)).toBe((exp + 5) * 1_000)
    const { cookie = '' } = await open(`/?ticket=${ticket}`)
    expect(JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString()).exp).toBe(exp)
  })

  it('[AU19] is used up once, though 100 try at the same time', async () => {
    const { ticket } = await ticketOf(await tokenFor(['*']))
    const opened = await Promise.all(Array.from({ length: 100 }, () => open(`/?ticket=${ticket}`)))
    expect(opened.filter(({ cookie }) => cookie !== undefined)).toHaveLength(1)
    expect(new Set(opened.map(({ status }) => status))).toEqual(new Set([303]))
  })

  it('[AU19] is the credential of a stream once, though 100 connect at the same time', async () => {
    using database = await TestStore.open()
    const { store } = database
    const logger = createLogger('silent')
    const config = loadConfig({ BOARDCAST_TOKEN: 'x' })
    const authenticator = await createAuthenticator(config, { store, logger, onKeys: () => {} })
    const holder = await authenticator.verify('x')
    const { ticket } = await store.transact((tx) => issueTicket(tx, { ...holder, id: 'sub:ann', actor: 'ann' }))
    const fields = { header: () => undefined, query: (name: string) => (name === 'ticket' ? ticket : undefined) }
    const used = await Promise.allSettled(Array.from({ length: 100 }, () => authenticator.authenticate(fields, true)))
    const winners = used.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(winners).toEqual([{ ...holder, id: 'sub:ann', actor: 'ann' }])
    const reasons = used.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    for (const reason of reasons) expect(reason).toMatchObject({ code: 'unauthenticated', tokenError: 'invalid_token' })
  })

  it('[AU19] opens one stream, though 100 ask for it at the same time, and that one is alive', async () => {
    const token = await tokenFor(['topic:news'])
    const { ticket } = await ticketOf(token)
    const connected = gate()
    const path = `/sse?channels=topic:news&ticket=${ticket}`
    const streams = Array.from({ length: 100 }, () => new Listener(server.url, path, { after: connected.promise }))
    try {
      for (const { socket } of streams) if (socket.connecting) await once(socket, 'connect')
      connected.resolve()
      for (const stream of streams) await stream.until('an answer', () => stream.head !== '')
      const opened = streams.filter(({ status }) => status === 200)
      expect(opened).toHaveLength(1)
      expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200, 401]))
      await opened[0]?.frame('hello')
      const { eventId } = await actingAs(server, token).post('/topics/news/events', { event: 'said' })
      await opened[0]?.id(eventId)
    } finally {
      for (const stream of streams) stream.close()
    }
  })

  it('[AU19] is of no use after 30 s, and is deleted when another is made', async () => {
    let nowMs = Date.now()
    using database = await TestStore.open()
    const store = createStore(database.transactions, database.log, () => {}, { now: () => nowMs })
    const config = loadConfig({ BOARDCAST_TOKEN: 'x' })
    const authenticator = await createAuthenticator(config, { store, logger: createLogger('silent'), onKeys: () => {} })
    const holder = await authenticator.verify('x')
    const make = () => store.transact((tx) => issueTicket(tx, holder))
    const [first, second] = [await make(), await make()]
    nowMs += 29_999
    expect(await redeemTicket(store, first.ticket)).toEqual(holder)
    nowMs += 1
    await expect(redeemTicket(store, second.ticket)).rejects.toMatchObject({ code: 'unauthenticated' })
    await make()
    const rows = await store.read(({ sql }) => sql.all<{ hash: string }>('SELECT hash FROM tickets'))
    expect(rows).toHaveLength(1)
  })

  it('[AU20] is stored only as its hash, even if it was asked for with an Idempotency-Key', async () => {
    const headers = { ...bearer(await tokenFor(['*'])), 'Idempotency-Key': 'once' }
    const first = await server.call<Made & Record<string, unknown>>('POST', '/tickets', {}, headers)
    const second = await server.call<Made & Record<string, unknown>>('POST', '/tickets', {}, headers)
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body.ticket).not.toBe(first.body.ticket)
    const contents = await everythingIn(server.dbPath)
    expect(contents).toContain('expires_at')
    expect(contents).not.toContain(first.body.ticket)
    expect(contents).not.toContain(second.body.ticket)
  })

  it('[AU17] can be had while rights are off, and opens the page', async () => {
    await using free = await startTestServer()
    const { body } = await free.call<Made & Record<string, unknown>>('POST', '/tickets', {})
    expect(await open(`/?ticket=${body.ticket}`, {}, free)).toEqual({ status: 303, location: '/', cookie: undefined })
  })
})

describe('a page that is opened with a ticket', () => {
  const made = async () => (await ticketOf(await sign({ sub: 'ann', boardcast: { subscribe: ['board:demo'] } }))).ticket

  it('[AU21] gives the browser a cookie, and sends it to the same page without the ticket', async () => {
    const { status, location, cookie } = await open(`/boards/demo?a=1&ticket=${await made()}&b=%C3%A9`)
    expect([status, location]).toEqual([303, '/boards/demo?a=1&b=%C3%A9'])
    expect(cookie).toMatch(/^boardcast_token=[\w.-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/)
    expect(Math.abs(Number(/Max-Age=(\d+)/.exec(cookie ?? '')?.[1]) - 12 * 3_600)).toBeLessThan(60)
    const headers = { Cookie: cookie?.split(';')[0] ?? '' }
    expect((await server.call('GET', '/boards/demo', undefined, headers)).status).toBe(200)
    expect((await server.call('GET', '/boards/other', undefined, headers)).status).toBe(403)
  })

  it('[AU21] a proxy with TLS and a path in front: Secure, and the path of the cookie', async () => {
    const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Prefix': '/tools/board' }
    const { location, cookie } = await open(`/?ticket=${await made()}`, headers)
    expect(location).toBe('/tools/board/')
    expect(cookie).toContain('; Path=/tools/board/; ')
    expect(cookie).toMatch(/; Secure$/)
    const { cookie: hostile } = await open(`/?ticket=${await made()}`, {
      'X-Forwarded-Prefix': '/; Domain=evil.example',
    })
    expect(hostile).toContain('; Path=/; ')
  })

  it('[AU21] works with the base path of the settings', async () => {
    await using below = await startServerWithRights({ basePath: '/tools' })
    const { ticket } = await ticketOf(await tokenFor(['*']), {}, below)
    const { location, cookie } = await open(`/tools/?ticket=${ticket}`, {}, below)
    expect(location).toBe('/tools/')
    expect(cookie).toContain('; Path=/tools/; ')
  })

  it('[AU21] with a ticket that is not valid: no cookie, and the page all the same', async () => {
    const used = await made()
    await open(`/?ticket=${used}`)
    for (const ticket of [used, '', 'x', 'y'.repeat(43), '%00', encodeURIComponent('\r\nSet-Cookie: a=b')]) {
      expect(await open(`/?ticket=${ticket}`), ticket).toEqual({ status: 303, location: '/', cookie: undefined })
    }
  })

  it('[AU21] never leads to another host', async () => {
    for (const path of [
      '//evil.example',
      '/\\evil.example',
      '///evil.example/',
      '/%2F/evil.example',
      '/.//evil.example',
    ]) {
      const { location } = await open(`${path}?ticket=${await made()}`)
      if (location !== undefined) expect(new URL(location, 'http://here').host, path).toBe('here')
    }
  })

  it('[AU21] HEAD does not use it up', async () => {
    const ticket = await made()
    await rawRequest(server.port, { method: 'HEAD', target: `/?ticket=${ticket}`, headers: { Host: '127.0.0.1' } })
    expect((await open(`/?ticket=${ticket}`)).cookie).toBeDefined()
  })

  it('[AU22] rights that do not fit in a cookie are refused, with what to do', async () => {
    const boards = Array.from({ length: 70 }, (_, index) => `board:a-long-name-of-a-board-${index}`)
    const token = await tokenFor(boards)
    const { ticket } = await ticketOf(token)
    const refused = await fetch(`${server.url}/?ticket=${ticket}`, { redirect: 'manual' })
    expect([refused.status, refused.headers.get('Set-Cookie')]).toEqual([400, null])
    expect(await refused.json()).toMatchObject({ detail: expect.stringContaining('"channels"') })
    const few = await ticketOf(token, { channels: boards.slice(0, 2) })
    expect((await open(`/?ticket=${few.ticket}`)).cookie).toBeDefined()
  })

  it('[AU22] the cookie works after a restart, beside every other key', async () => {
    await using own = await startTestServer({ token: 'first' })
    const { ticket } = await ticketOf('first', {}, own)
    const { cookie = '' } = await open(`/?ticket=${ticket}`, {}, own)
    await own.restart()
    const headers = { Cookie: cookie.split(';')[0] ?? '' }
    expect((await own.call('GET', '/boards', undefined, headers)).status).toBe(200)
    await using another = await startTestServer({ token: 'first' })
    expect((await another.call('GET', '/boards', undefined, headers)).status).toBe(401)
  })
})
