/** Floods of bad credentials. Rule HA16 of docs/security.md. */
import { expect, it } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { postFrom } from '../support/from-address.ts'
import { SocketClient } from '../support/socket.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { bearer, seconds, startServerWithRights, tokenFor } from '../support/tokens.ts'

const BURST = 3
/** Slow enough that only the burst is free during a test. */
const SCARCE = { rateBadTokens: BURST / 10 }
const FLOOD = 40
/** The burst, and what may come back if the flood takes ten seconds. */
const MOST = 2 * BURST

const post = (server: { port: number }, headers: Record<string, string>, address = '127.0.0.1') =>
  postFrom(address, server, '/topics/t/events', { event: 'said' }, headers)

const flood = async (server: { port: number }, headersOf: (n: number) => Record<string, string>, address?: string) =>
  Promise.all(Array.from({ length: FLOOD }, (_, n) => post(server, headersOf(n), address)))

const count = (answers: ReadonlyArray<{ status: number }>, status: number) =>
  answers.filter((answer) => answer.status === status).length

it('[HA16] beyond the burst they are answered 429, on loopback too; a good one from there is accepted', async () => {
  await using server = await startServerWithRights(SCARCE)
  const answers = await flood(server, (n) => bearer(`guess-${n}`))
  expect(count(answers, 401)).toBeGreaterThanOrEqual(BURST)
  expect(count(answers, 401)).toBeLessThanOrEqual(MOST)
  expect(count(answers, 401) + count(answers, 429)).toBe(FLOOD)
  const refused = answers.find(({ status }) => status === 429)
  expect(refused?.body).toMatchObject({ code: 'rate_limited' })
  expect(Number(refused?.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  expect(Number(refused?.headers['retry-after'])).toBeLessThanOrEqual(4)
  // Never seen before, so it is verified.
  expect((await post(server, bearer(await tokenFor(['*'], ['*'], { sub: 'late' })))).status).toBe(202)
})

it('[HA16] a flood of them is held back, and a good one is not', async () => {
  await using server = await startServerWithRights(SCARCE)
  const good = bearer(await tokenFor(['*']))
  const begun = performance.now()
  const late: boolean[] = []
  const guesses = Array.from({ length: 200 }, async () => {
    const { status } = await server.call('GET', '/boards', undefined, bearer('guess'))
    // Clocks and timers differ by a little.
    late.push(performance.now() - begun >= 990)
    return status
  })
  expect((await server.call('GET', '/boards', undefined, good)).status).toBe(200)
  await Promise.all(guesses)
  expect(late.filter(Boolean).length).toBeGreaterThan(50)
})

it('[HA16] each address has a bucket, and behind a trusted proxy the one that the proxy names', async () => {
  await using server = await startServerWithRights({ ...SCARCE, trustedProxies: ['127.0.0.9'] })
  await flood(server, () => bearer('guess'), '127.0.0.2')
  expect((await post(server, bearer('guess'), '127.0.0.3')).status).toBe(401)
  const by = (client: string) => ({ ...bearer('guess'), 'X-Forwarded-For': client })
  await flood(server, () => by('192.0.2.1'), '127.0.0.9')
  expect((await post(server, by('192.0.2.1'), '127.0.0.9')).status).toBe(429)
  expect((await post(server, by('192.0.2.2'), '127.0.0.9')).status).toBe(401)
})

it('[HA16] credentials that are missing or have expired, and good ones without the right, do not count', async () => {
  await using server = await startServerWithRights(SCARCE)
  const expired = await tokenFor(['*'], ['*'], { exp: seconds(-60) })
  const reader = await tokenFor(['*'], [])
  for (const [headers, status] of [
    [{}, 401],
    [bearer(expired), 401],
    [bearer(reader), 403],
  ] as const) {
    expect(count(await flood(server, () => headers), status)).toBe(FLOOD)
  }
  expect((await post(server, bearer('guess'))).status).toBe(401)
})

it('[HA16] they are counted together over HTTP, on streams, sockets and Socket.IO', async () => {
  await using server = await startServerWithRights({ ...SCARCE, hasSocketIo: true })
  const token = await tokenFor(['*'])
  const stream = (text: string) =>
    fetch(`${server.url}/sse?token=${text}`, { headers: { Accept: 'text/event-stream' } })
  for (let n = 0; n < MOST; n += 1) await (await stream('guess')).text()
  expect((await stream('guess')).status).toBe(429)
  await using socket = await SocketClient.open(server.url, '/ws?ticket=guess')
  expect(socket.refused).toBe(429)
  await using client = await SocketIoClient.open(server.url, ['polling'], { auth: { token: 'guess' } })
  expect(client.failures[0]).toMatchObject({ message: 'Rate limited', data: { code: 'RATE_LIMITED' } })
  expect((await post(server, bearer('guess'))).status).toBe(429)

  await using goodSocket = await SocketClient.open(server.url, `/ws?token=${token}`)
  expect(goodSocket.refused).toBe(null)
  await using goodClient = await SocketIoClient.open(server.url, ['polling'], { auth: { token } })
  expect(goodClient.failures).toEqual([])
})

it('[HA16] the limit is 10 a second unless it is set, and can be lifted', async () => {
  expect(loadConfig({}).rateBadTokens).toBe(10)
  expect(loadConfig({ BOARDCAST_RATE_BAD_TOKENS: '0.5' }).rateBadTokens).toBe(0.5)
  expect(() => loadConfig({ BOARDCAST_RATE_BAD_TOKENS: 'many' })).toThrow(/BOARDCAST_RATE_BAD_TOKENS must be/)
  const { rateBadTokens } = loadConfig({ BOARDCAST_RATE_BAD_TOKENS: 'off' })
  await using server = await startServerWithRights({ rateBadTokens })
  expect(count(await flood(server, () => bearer('guess')), 401)).toBe(FLOOD)
})
