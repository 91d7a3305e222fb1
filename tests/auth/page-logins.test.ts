/** The question before a link signs a browser in, so that nobody is signed in as the sender of a link. Rule AU27 of docs/security.md. */
import { expect, it, onTestFinished } from 'vitest'
import { answerLink, openLink } from '../support/page-login.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { actingAs, SECRET, sign } from '../support/tokens.ts'

const PASSWORD = 'the-password-of-the-operator'
const LISTED = 'https://app.example'

async function serve(overrides: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  const server = await startTestServer({ jwtSecrets: [SECRET], token: PASSWORD, corsOrigins: [LISTED], ...overrides })
  onTestFinished(() => server[Symbol.asyncDispose]())
  await actingAs(server, PASSWORD).post('/boards', { id: 'demo', name: 'Demo' })
  return server
}

const tokenOf = (sub: string) => sign({ sub, boardcast: { subscribe: ['board:*'], publish: ['board:*'] } })

/** A link for a page with a ticket for the token. */
async function linkFor(server: TestServer, token: string, path = '/'): Promise<string> {
  const { ticket } = await actingAs(server, token).post<{ ticket: string }>('/tickets', {})
  return `${path}?ticket=${ticket}`
}

/** Who has made a change with the cookie. */
async function actorOf(server: TestServer, cookie = ''): Promise<unknown> {
  const headers = { Cookie: cookie.split(';')[0] ?? '', Origin: server.url }
  const { eventId, status } = await server.call('POST', '/boards/demo/cards', { title: 'By the cookie' }, headers)
  expect(status).toBe(201)
  const query = `/events?channels=board:demo&limit=1000`
  const { body } = await actingAs(server, PASSWORD).call<{ events: { id: string; actor: unknown }[] }>('GET', query)
  return body.events.find(({ id }) => id === eventId)?.actor
}

it('[AU27] a link by the ticket of a token asks first, however it was opened', async () => {
  const server = await serve()
  for (const headers of [
    {},
    ...['none', 'same-origin', 'same-site', 'cross-site'].map((site) => ({ 'Sec-Fetch-Site': site })),
  ]) {
    const asked = await openLink(server, await linkFor(server, await tokenOf('mallory'), '/boards/demo'), headers)
    expect([asked.status, asked.cookie]).toEqual([200, undefined])
    expect(asked.body).toContain('<h1>Sign in as <bdi>mallory</bdi>?</h1>')
    expect(asked.header('Content-Type')).toMatch(/^text\/html/)
    expect(asked.header('Cache-Control')).toContain('no-store')
    expect(asked.header('Referrer-Policy')).toBe('same-origin')
    expect(asked.header('Content-Security-Policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    )
    const { status, location, cookie } = await answerLink(server, asked)
    expect([status, location]).toEqual([303, '/boards/demo'])
    expect(await actorOf(server, cookie)).toBe('mallory')
  }
})

it('[AU27] the name is text, whatever it is, and a token without one has none', async () => {
  const server = await serve()
  const hostile = `<img src=x>"'&${'x'.repeat(150)}`
  const asked = await openLink(server, await linkFor(server, await tokenOf(hostile), `/%22%3E%3Cb%3E`))
  expect(asked.body).toContain('<bdi>&lt;img src=x&gt;&quot;&#39;&amp;xxx')
  expect(asked.body).not.toMatch(/<img|<b>/)
  expect((await answerLink(server, asked)).location).toBe('/%22%3E%3Cb%3E')
  const nameless = await openLink(server, await linkFor(server, await sign({ boardcast: { subscribe: ['*'] } })))
  expect(nameless.body).toContain('<h1>Sign in with this link?</h1>')
})

it('[AU27] no page but that one can answer', async () => {
  const server = await serve()
  const anyOrigin = await serve({ corsOrigins: ['*'] })
  for (const [on, headers, status] of [
    [server, { Origin: 'https://evil.example' }, 403],
    [server, { Origin: 'null' }, 403],
    [server, { Origin: 'null', 'Sec-Fetch-Site': 'same-origin' }, 403],
    [server, { Origin: '' }, 403],
    [server, { Origin: 'http://127.0.0.1:8080' }, 403],
    [anyOrigin, { Origin: 'https://evil.example' }, 403],
    [server, { Origin: 'http://127.0.0.1', 'Sec-Fetch-Site': 'cross-site' }, 403],
    [server, { Origin: 'http://127.0.0.1', 'Sec-Fetch-Site': 'same-origin' }, 303],
    [server, { Origin: LISTED, 'Sec-Fetch-Site': 'cross-site' }, 303],
  ] as const) {
    const asked = await openLink(on, await linkFor(on, await tokenOf('mallory')))
    const answer = await answerLink(on, asked, headers)
    expect([answer.status, answer.cookie === undefined], JSON.stringify(headers)).toEqual([status, status === 403])
  }
  const token = await tokenOf('mallory')
  const body = new URLSearchParams({ token, to: '/' })
  const withoutOrigin = await fetch(`${server.url}/sign-in`, { method: 'POST', body, redirect: 'manual' })
  expect([withoutOrigin.status, withoutOrigin.headers.get('Set-Cookie')]).toEqual([403, null])
})

it('[AU27] the ticket of the operator signs in at once, unless the browser is signed in as somebody else', async () => {
  const server = await serve()
  const first = await openLink(server, await linkFor(server, PASSWORD))
  expect([first.status, first.location]).toEqual([303, '/'])
  expect(await actorOf(server, first.cookie)).toBe(null)

  const ann = await answerLink(server, await openLink(server, await linkFor(server, await tokenOf('ann'))))
  const cookieOf = ({ cookie = '' }: { cookie?: string | undefined }) => ({ Cookie: cookie.split(';')[0] ?? '' })
  for (const [headers, status] of [
    [cookieOf(first), 303],
    [{ Cookie: 'boardcast_token=garbage' }, 303],
    [{ Cookie: `boardcast_token=${await sign({ sub: 'ann', exp: 1 })}` }, 303],
    [cookieOf(ann), 200],
    [{ Cookie: `boardcast_token=${await tokenOf('ann')}` }, 200],
  ] as const) {
    const opened = await openLink(server, await linkFor(server, PASSWORD), headers)
    expect([opened.status, opened.cookie === undefined], JSON.stringify(headers)).toEqual([status, status === 200])
  }
})

it('[AU27] the answer leads to no other host, needs a token that is good, and is short', async () => {
  const server = await serve()
  const asked = await openLink(server, await linkFor(server, await tokenOf('ann')))
  for (const to of ['//evil.example/', 'https://evil.example/x', '/\\evil.example', 'http://[', '', 'a?ticket=x&b=1']) {
    const { status, location = '' } = await answerLink(server, asked, {}, { to })
    expect([status, new URL(location, 'http://here').host], to).toEqual([303, 'here'])
    expect(location).not.toContain('ticket')
  }
  for (const token of ['', 'garbage', await sign({ exp: 1 })]) {
    const { status, cookie } = await answerLink(server, asked, {}, { token })
    expect([status, cookie], token).toEqual([303, undefined])
  }
  expect((await answerLink(server, asked, {}, { more: 'x'.repeat(100_000) })).status).toBe(413)
})

it('[AU27] [HA16] bad tickets and tokens count as guesses', async () => {
  const server = await serve({ rateBadTokens: 0.3 })
  const asked = await openLink(server, await linkFor(server, await tokenOf('ann')))
  for (let n = 0; n < 6; n += 1) await openLink(server, '/?ticket=guess')
  expect((await openLink(server, '/?ticket=guess')).status).toBe(429)
  expect((await answerLink(server, asked, {}, { token: 'guess' })).status).toBe(429)
  expect((await answerLink(server, asked)).status).toBe(303)
})

it('[AU27] there is nobody to sign in while rights are off', async () => {
  await using server = await startTestServer()
  const { body } = await server.call<{ ticket: string }>('POST', '/tickets', {})
  const { status, cookie } = await openLink(server, `/?ticket=${body.ticket}`)
  expect([status, cookie]).toEqual([303, undefined])
  const form = { action: '/sign-in', fields: { token: 'x', to: '/?board=demo' } }
  const answer = await answerLink(server, { status: 200, body: '', location: '', cookie: '', header: () => '', form })
  expect([answer.status, answer.location, answer.cookie]).toEqual([303, '/?board=demo', undefined])
})

it('[AU29] signing out takes the cookie away, for the page itself only', async () => {
  const server = await serve()
  const signOut = async (headers: Record<string, string>) =>
    fetch(`${server.url}/sign-out`, { method: 'POST', headers: { Cookie: 'boardcast_token=x', ...headers } })
  for (const [origin, status] of [
    [server.url, 204],
    [LISTED, 204],
    ['https://evil.example', 403],
    ['null', 403],
    [undefined, 403],
  ] as const) {
    const answer = await signOut(origin === undefined ? {} : { Origin: origin })
    expect([origin, answer.status]).toEqual([origin, status])
    const expected = status === 204 ? 'boardcast_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax' : null
    expect(answer.headers.get('Set-Cookie')).toBe(expected)
  }
  const behind = await signOut({ Origin: LISTED, 'X-Forwarded-Prefix': '/tools', 'X-Forwarded-Proto': 'https' })
  expect(behind.headers.get('Set-Cookie')).toBe(
    'boardcast_token=; Path=/tools/; Max-Age=0; HttpOnly; SameSite=Lax; Secure',
  )
})
