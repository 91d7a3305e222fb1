/** What is left of a credential when its key is replaced: nothing. Rules AU10 and AU28 of docs/security.md. */
import { expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import type { Config } from '../../src/main.ts'
import { issuerKey, startKeySetServer } from '../support/issuer.ts'
import { answerLink, openLink } from '../support/page-login.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { Listener } from '../support/stream.ts'
import { actingAs, bearer, sign } from '../support/tokens.ts'

const CLAIMS = { sub: 'ann', boardcast: { subscribe: ['*'], publish: ['*'] } }
const SECRETS = ['the first secret, of 32 bytes or more', 'the second secret, of 32 bytes or more'] as const
const ec = issuerKey('ES256', 'ec')
const rsa = issuerKey('RS256', 'rsa')

async function ticketOf(server: TestServer, token: string): Promise<string> {
  return (await actingAs(server, token).post<{ ticket: string }>('/tickets', {})).ticket
}

/** What a browser gets for a ticket. */
async function cookieFor(server: TestServer, ticket: string): Promise<string | undefined> {
  const { cookie } = await answerLink(server, await openLink(server, `/?ticket=${ticket}`))
  return cookie?.split(';')[0]
}

async function statusWith(server: TestServer, cookie: string | undefined): Promise<number> {
  return (await server.call('GET', '/boards', undefined, { Cookie: cookie ?? '' })).status
}

const publicKeys = (pem: string): Partial<Config> => ({
  jwtPublicKeys: loadConfig({ BOARDCAST_JWT_PUBLIC_KEY: pem }).jwtPublicKeys,
})

test.each<[string, () => Promise<string>, Partial<Config>, Partial<Config>, Partial<Config>]>([
  ['the password', async () => 'first', { token: 'first' }, { jwtSecrets: [SECRETS[1]] }, { token: 'second' }],
  [
    'a secret',
    () => sign(CLAIMS, SECRETS[0]),
    { jwtSecrets: [SECRETS[0]] },
    { jwtSecrets: [SECRETS[1], SECRETS[0]] },
    { jwtSecrets: [SECRETS[1]] },
  ],
  ['a public key', () => ec.sign(CLAIMS), publicKeys(ec.pem), publicKeys(rsa.pem + ec.pem), publicKeys(rsa.pem)],
])(
  '[AU28] a ticket and a cookie are worth nothing once %s behind them is replaced',
  async (_, token, key, both, other) => {
    await using server = await startTestServer(key)
    const given = await cookieFor(server, await ticketOf(server, await token()))
    // What a cookie is exchanged for has the same key behind it.
    const cookie = given?.replace('boardcast_token=', '') ?? ''
    const later = await cookieFor(server, await ticketOf(server, cookie))
    expect([await statusWith(server, given), await statusWith(server, later)]).toEqual([200, 200])

    await server.restart(both)
    expect([await statusWith(server, given), await statusWith(server, later)]).toEqual([200, 200])

    const waiting = [await ticketOf(server, await token()), await ticketOf(server, cookie)]
    await server.restart({ ...withoutKeys, ...other })
    expect([await statusWith(server, given), await statusWith(server, later)]).toEqual([401, 401])
    for (const ticket of waiting) expect(await cookieFor(server, ticket)).toBeUndefined()
  },
)

const withoutKeys = { token: undefined, jwtSecrets: [], jwtPublicKeys: [] } as const

test('[AU28] a ticket of a time without rights opens nothing once they are on', async () => {
  await using server = await startTestServer()
  const { ticket } = await server.post<{ ticket: string }>('/tickets', {})
  const { ticket: another } = await server.post<{ ticket: string }>('/tickets', {})
  await server.restart({ token: 'first' })
  expect(await cookieFor(server, ticket)).toBeUndefined()
  const listener = new Listener(server.url, `/sse?channels=global&ticket=${another}`)
  onTestFinished(() => listener.close())
  await listener.until('the refusal', () => listener.body.includes('unauthenticated'))
})

test('[AU28] a cookie tells nothing about the password', async () => {
  await using server = await startTestServer({ token: 'guess-me' })
  await using another = await startTestServer({ token: 'guess-me' })
  const [one, two] = await Promise.all(
    [server, another].map(async (each) => {
      const cookie = await cookieFor(each, await ticketOf(each, 'guess-me'))
      return JSON.parse(Buffer.from(cookie?.split('.')[1] ?? '', 'base64url').toString())
    }),
  )
  expect(one.boardcast_origin.key).toMatch(/^[\w-]{22}$/)
  // A plain hash could be compared with those of many words.
  expect(one.boardcast_origin.key).not.toBe(two.boardcast_origin.key)
})

test('[AU10] [RS11] when a key leaves the set of its issuer, streams and sockets of its tokens end', async () => {
  const [next, latest] = [issuerKey('ES256', 'next'), issuerKey('ES256', 'latest')]
  await using issuer = await startKeySetServer(ec, next)
  await using server = await startTestServer({ jwksUrl: issuer.url })
  const token = await ec.sign(CLAIMS)
  const { post } = actingAs(server, token)
  await post('/boards', { id: 'demo', name: 'Demo' })
  const open = (headers: Record<string, string>) => {
    const listener = new Listener(server.url, '/sse?channels=board:demo', { headers })
    onTestFinished(() => listener.close())
    return listener
  }
  const ending = [open(bearer(token)), open({ Cookie: (await cookieFor(server, await ticketOf(server, token))) ?? '' })]
  const staying = open(bearer(await next.sign(CLAIMS)))
  for (const listener of [...ending, staying]) await listener.until('the state', () => listener.frames.length === 2)
  await using socket = await SocketClient.open(server.url, '/ws', { headers: bearer(token) })
  await using renewed = await SocketClient.open(server.url, '/ws', { headers: bearer(token) })
  expect((await renewed.ask({ type: 'auth', token: await next.sign(CLAIMS) })).error).toBeUndefined()

  issuer.publish(next, latest)
  expect((await server.call('GET', '/boards', undefined, bearer(await latest.sign(CLAIMS)))).status).toBe(200)
  for (const listener of ending) {
    await listener.untilClosed()
    expect(listener.frames.at(-1)?.event).toBe('auth_expired')
  }
  expect((await socket.untilClosed()).code).toBe(4401)

  await actingAs(server, await next.sign(CLAIMS)).call('PATCH', '/boards/demo', { name: 'Renamed' })
  await staying.until('the event', () => staying.frames.some(({ event }) => event === 'board_updated'))
  await renewed.first('the event', ({ event }) => event === 'board.updated')
})
