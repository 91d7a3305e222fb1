/** How much a client may change. Rules HA10 to HA13 of docs/security.md. */
import { describe, expect, it } from 'vitest'
import { makeBoard } from '../support/board.ts'
import { postFrom } from '../support/from-address.ts'
import { answerLink, openLink } from '../support/page-login.ts'
import { rawRequest } from '../support/raw-request.ts'
import { RawSocket } from '../support/raw-socket.ts'
import { startTestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { actingAs, bearer, startServerWithRights, tokenFor } from '../support/tokens.ts'

const EVENT = { event: 'said' }
const PATH = '/topics/t/events'
/** Slow enough that no token comes back during a test. */
const SCARCE = { rateMutations: 0.01, rateBurst: 5 }
const OPEN = { host: '0.0.0.0', isAuthOff: true } as const

/** The statuses of so many posts, one after the other. */
async function statuses(count: number, post: () => Promise<{ status: number }>): Promise<number[]> {
  const seen: number[] = []
  for (let n = 0; n < count; n++) seen.push((await post()).status)
  return seen
}
const of = (accepted: number, refused: number) => [...Array(accepted).fill(202), ...Array(refused).fill(429)]

/** Tokens with the same bytes: the last character of a signature has two bits to spare, and padding is allowed. */
function otherSpellings(token: string): string[] {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  const bytes = Buffer.from(signature, 'base64url')
  const last = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter(
    (character) =>
      !signature.endsWith(character) && bytes.equals(Buffer.from(signature.slice(0, -1) + character, 'base64url')),
  )
  return [`${token}=`, ...last.map((character) => token.slice(0, -1) + character)]
}

describe('with rights', () => {
  it('[HA10] [HA11] a subject may make the burst, then it is told when it may go on', async () => {
    await using server = await startServerWithRights(SCARCE)
    const one = actingAs(server, await tokenFor(['*'], ['*'], { sub: 'one' }))
    const { eventId: before } = await one.call('POST', PATH, EVENT)
    expect(await statuses(7, () => one.call('POST', PATH, EVENT))).toEqual(of(4, 3))
    const refused = await one.call('POST', PATH, EVENT)
    expect(refused.body).toMatchObject({ code: 'rate_limited', status: 429 })
    const retryAfter = Number(refused.headers.get('Retry-After'))
    expect(retryAfter).toBeGreaterThan(50)
    expect(retryAfter).toBeLessThanOrEqual(100)
    expect(refused.eventId).not.toBe(before)
    expect((await one.call('GET', '/cursor')).body).toEqual({ cursor: refused.eventId })
    // It may still read.
    expect((await one.call('GET', '/boards')).status).toBe(200)
  })

  it('[HA10] another token of the same subject has the same bucket, another subject its own', async () => {
    await using server = await startServerWithRights(SCARCE)
    const tokens = await Promise.all([
      tokenFor(['*'], ['*'], { sub: 'one' }),
      tokenFor(['*'], ['topic:*'], { sub: 'one' }),
      tokenFor(['*'], ['*'], { sub: 'two' }),
    ])
    const [first, second, other] = tokens.map((token) => actingAs(server, token))
    expect(await statuses(3, () => first!.call('POST', PATH, EVENT))).toEqual(of(3, 0))
    expect(await statuses(3, () => second!.call('POST', PATH, EVENT))).toEqual(of(2, 1))
    expect(await statuses(6, () => other!.call('POST', PATH, EVENT))).toEqual(of(5, 1))
  })

  it('[HA10] [RI8] a token without a name is one client, however its signature is spelled', async () => {
    await using server = await startServerWithRights(SCARCE)
    const token = await tokenFor(['*'])
    const post = (spelling: string) =>
      actingAs(server, spelling).call('POST', PATH, EVENT, { 'Idempotency-Key': 'the same' })
    const [first, ...others] = await Promise.all([token, ...otherSpellings(token)].map(post))
    for (const other of others) expect(other).toMatchObject({ status: 202, eventId: first?.eventId })
    expect(others.length).toBe(4)
    expect(await statuses(2, () => post(token))).toEqual(of(0, 2))
  })

  it('[HA10] [AU22] a cookie counts for the holder of the token behind it, with a name or without', async () => {
    await using server = await startServerWithRights({ ...SCARCE, token: 'the-password' })
    for (const token of ['the-password', await tokenFor(['*']), await tokenFor(['*'], ['*'], { sub: 'one' })]) {
      const { ticket } = await actingAs(server, token).post<{ ticket: string }>('/tickets', {})
      const signedIn = await answerLink(server, await openLink(server, `/?ticket=${ticket}`))
      const cookie = /boardcast_token=([^;]+)/.exec(signedIn.cookie ?? '')?.[1] ?? ''
      expect(await statuses(3, () => actingAs(server, token).call('POST', PATH, EVENT))).toEqual(of(3, 0))
      expect(await statuses(2, () => actingAs(server, cookie).call('POST', PATH, EVENT))).toEqual(of(1, 1))
    }
  })

  it('[HA10] tokens come back with time', async () => {
    await using server = await startServerWithRights({ rateMutations: 20, rateBurst: 1 })
    const one = actingAs(server, await tokenFor(['*']))
    expect((await one.call('POST', PATH, EVENT)).status).toBe(202)
    const seen = new Set<number>()
    for (let accepted = 0; accepted < 3; ) {
      const { status, headers } = await one.call('POST', PATH, EVENT)
      seen.add(status)
      if (status === 202) accepted += 1
      else expect(headers.get('Retry-After')).toBe('1')
    }
    expect(seen).toContain(202)
  })

  it('[HA11] counts a request with many lines as one, and one that is refused as well', async () => {
    await using server = await startServerWithRights(SCARCE)
    const one = actingAs(server, await tokenFor(['*']))
    const lines = Array.from({ length: 1_000 }, (_, n) => `${n}`)
    const answers = [
      await one.call('POST', '/agents/a/output', { lines }),
      await one.call('POST', '/boards', { nonsense: true }),
      await one.call('DELETE', '/boards/none'),
      await one.call('PATCH', '/cards/none', { title: 'x' }),
      await one.call('POST', '/boards', { id: 'b', name: 'B' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([202, 422, 404, 404, 201])
    expect((await one.call('PATCH', '/boards/b', { name: 'C' })).status).toBe(429)
  })

  it('[HA11] refuses before the body has arrived', async () => {
    await using server = await startServerWithRights({ rateMutations: 0.01, rateBurst: 1 })
    const token = await tokenFor(['*'])
    expect((await actingAs(server, token).call('POST', PATH, EVENT)).status).toBe(202)
    const headers = {
      Host: 'localhost',
      ...bearer(token),
      'Content-Type': 'application/json',
      'Content-Length': '500000',
    }
    const answer = await rawRequest(
      server.port,
      { method: 'POST', target: `/api/v1${PATH}`, headers, body: '' },
      (text) => text.includes('rate_limited'),
    )
    expect(answer.status).toBe(429)
  })

  it('[HA10] off lifts the limit', async () => {
    await using server = await startServerWithRights({ rateMutations: Infinity, rateBurst: 1 })
    const one = actingAs(server, await tokenFor(['*']))
    expect(await statuses(5, () => one.call('POST', PATH, EVENT))).toEqual(of(5, 0))
  })
})

describe('messages of sockets', () => {
  it('[HA12] that change something count with everything else of the client, and reading does not', async () => {
    await using server = await startServerWithRights(SCARCE)
    const token = await tokenFor(['*'])
    const one = actingAs(server, token)
    await one.post('/boards', { id: 'demo', name: 'Demo' })
    await using channels = await SocketClient.open(server.url, `/ws?global=0&token=${token}`)
    await using board = await RawSocket.open(server.url, `/ws?boardId=demo&token=${token}`)
    const publish = { type: 'publish', channel: 'topic:t', event: 'said', data: 1 }
    expect(await channels.ask(publish)).toMatchObject({ success: true })
    expect(await channels.ask({ type: 'auth', agent_id: 'a' })).toMatchObject({ success: true })
    board.send({ type: 'create_card', payload: { nonsense: true }, id: 1 })
    await board.until('the answer', () => board.messages.find(({ payload }) => payload?.id === 1))
    expect((await one.call('POST', PATH, EVENT)).status).toBe(202)

    expect((await one.call('POST', PATH, EVENT)).status).toBe(429)
    expect(await channels.ask(publish)).toMatchObject({ success: false, code: 'RATE_LIMITED' })
    expect(await channels.ask({ type: 'auth', agent_id: 'b' })).toMatchObject({ success: false, code: 'RATE_LIMITED' })
    for (const type of ['create_card', 'update_card', 'move_card', 'delete_card']) {
      board.send({ type, payload: {}, id: type })
      const { payload } = await board.until('the refusal', () =>
        board.messages.find(({ payload }) => payload?.id === type),
      )
      expect(payload).toMatchObject({ success: false, code: 'rate_limited' })
    }
    expect(await channels.ask({ type: 'subscribe', channel: 'topic:t' })).toMatchObject({ success: true })
    board.send({ type: 'get_state', payload: {}, id: 'state' })
    await board.until('the state', () =>
      board.messages.find(({ payload }) => payload?.id === 'state' && payload.success),
    )
  })
})

describe('without rights', () => {
  it('[HA10] there is no limit on loopback', async () => {
    await using server = await startTestServer({ rateMutations: 0.01, rateBurst: 1 })
    expect(await statuses(5, () => server.call('POST', PATH, EVENT))).toEqual(of(5, 0))
    await makeBoard(server)
  })

  it('[HA10] [HA13] each address has a bucket where others reach the server', async () => {
    await using server = await startTestServer({ ...OPEN, ...SCARCE })
    const from = (address: string) => () => postFrom(address, server, PATH, EVENT)
    expect(await statuses(6, from('127.0.0.1'))).toEqual(of(5, 1))
    expect(await statuses(6, from('127.0.0.2'))).toEqual(of(5, 1))
    // Nobody gets another bucket by a header.
    const forged = { 'X-Forwarded-For': '192.0.2.7' }
    expect((await postFrom('127.0.0.2', server, PATH, EVENT, forged)).status).toBe(429)
  })

  it('[HA13] behind a trusted proxy the address is what the proxy says', async () => {
    await using server = await startTestServer({ ...OPEN, ...SCARCE, trustedProxies: ['127.0.0.9'] })
    const by = (proxy: string, client: string) => () =>
      postFrom(proxy, server, PATH, EVENT, { 'X-Forwarded-For': `198.51.100.1, ${client}` })
    expect(await statuses(6, by('127.0.0.9', '192.0.2.1'))).toEqual(of(5, 1))
    expect(await statuses(6, by('127.0.0.9', '192.0.2.2'))).toEqual(of(5, 1))
    // Not trusted, so its own address counts for all that it passes on.
    expect(await statuses(5, by('127.0.0.8', '192.0.2.3'))).toEqual(of(5, 0))
    expect(await statuses(1, by('127.0.0.8', '192.0.2.4'))).toEqual(of(0, 1))
  })
})
