/** Tokens over HTTP: who is let in, and how the others are refused. Rules AU1 to AU7 of docs/security.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { actingAs, bearer, SECRET, seconds, sign, startServerWithRights, tokenFor } from '../support/tokens.ts'

let server: TestServer
let everything: string

beforeAll(async () => {
  server = await startServerWithRights()
  everything = await tokenFor(['*'])
  await actingAs(server, everything).post('/boards', { id: 'demo', name: 'Demo' })
})
afterAll(() => server[Symbol.asyncDispose]())

function read(headers: Record<string, string>, path = '/boards/demo') {
  return server.call('GET', path, undefined, headers)
}

describe('who is let in', () => {
  it('[AU1] [AU2] the holder of a token, to what its patterns match', async () => {
    const demo = await tokenFor(['board:demo'])
    expect((await read(bearer(demo))).status).toBe(200)
    expect((await read(bearer(await tokenFor(['board:other'])))).status).toBe(403)
    expect((await read(bearer(await sign({ sub: 'ann' })))).status).toBe(403)
  })

  it('[AU1] nobody without one', async () => {
    const refused = await read({})
    expect(refused.status).toBe(401)
    expect(refused.body).toMatchObject({ code: 'unauthenticated' })
  })

  it('[AU3] by header, in any case, or by cookie; the header comes first', async () => {
    const other = await tokenFor(['board:other'])
    expect((await read({ Authorization: `bearer ${everything}` })).status).toBe(200)
    expect((await read({ Cookie: `a=b; boardcast_token=${everything}; c=d` })).status).toBe(200)
    expect((await read({ ...bearer(other), Cookie: `boardcast_token=${everything}` })).status).toBe(403)
    // That of a proxy in front.
    expect((await read({ Authorization: 'Basic YTpi', Cookie: `boardcast_token=${everything}` })).status).toBe(200)
  })

  it('[AU3] not by a token in the query of a plain request', async () => {
    expect((await read({}, `/boards/demo?token=${everything}`)).status).toBe(401)
    expect((await read({}, `/boards/demo?ticket=${everything}`)).status).toBe(401)
  })

  it('[AU4] while a secret is replaced, with tokens of both', async () => {
    await using rotating = await startServerWithRights({ jwtSecrets: ['the new secret', SECRET] })
    for (const [secret, status] of [
      ['the new secret', 200],
      [SECRET, 200],
      ['another', 401],
    ] as const) {
      const token = await sign({ boardcast: { subscribe: ['*'] } }, secret)
      expect((await rotating.call('GET', '/boards', undefined, bearer(token))).status, secret).toBe(status)
    }
  })

  it('[AU5] whoever knows the one password, to everything', async () => {
    await using simple = await startTestServer({ token: 'open-sesame' })
    const { call, post } = actingAs(simple, 'open-sesame')
    await post('/boards', { id: 'demo', name: 'Demo' })
    expect((await call('GET', '/boards/demo')).status).toBe(200)
    for (const wrong of ['open-sesam', 'open-sesame-', 'OPEN-SESAME', everything]) {
      expect((await simple.call('GET', '/boards', undefined, bearer(wrong))).status, wrong).toBe(401)
    }
  })

  it('[AU1] everybody if rights are off, whatever key is configured', async () => {
    await using open = await startServerWithRights({ isAuthOff: true })
    expect((await open.call('GET', '/boards')).status).toBe(200)
    expect((await open.call('GET', '/boards', undefined, bearer('garbage'))).status).toBe(200)
  })
})

describe('who is refused', () => {
  it('[AU6] [AU7] a token that has expired, though it was good a moment ago', async () => {
    const within = await tokenFor(['*'], [], { exp: seconds(-2) })
    expect((await read(bearer(within))).status).toBe(200)
    const expired = await read(bearer(await tokenFor(['*'], [], { exp: seconds(-6) })))
    expect(expired.status).toBe(401)
    expect(expired.body).toMatchObject({ code: 'token_expired' })
    await expect
      .poll(async () => (await read(bearer(within))).body, { timeout: 20_000 })
      .toMatchObject({
        code: 'token_expired',
      })
  })

  it('[AU6] a token that is not yet valid', async () => {
    expect((await read(bearer(await tokenFor(['*'], [], { nbf: seconds(4) })))).status).toBe(200)
    expect((await read(bearer(await tokenFor(['*'], [], { nbf: seconds(60) })))).body).toMatchObject({
      code: 'unauthenticated',
      detail: expect.stringContaining('nbf'),
    })
  })

  it('[AU6] garbage, and a token that somebody else signed', async () => {
    for (const token of ['x', 'a.b.c', `${everything}x`, everything.slice(0, -4), await sign({}, 'another secret')]) {
      expect((await read(bearer(token))).body, token).toMatchObject({ status: 401, code: 'unauthenticated' })
    }
  })
})

describe('settings', () => {
  it('[AU4] [AU5] that hold nothing usable are refused, without being quoted', () => {
    for (const env of [
      { BOARDCAST_JWT_SECRET: ' , ' },
      { BOARDCAST_JWT_SECRET: '-----BEGIN PUBLIC KEY-----\nhush' },
      { BOARDCAST_TOKEN: 'hush hush' },
      { BOARDCAST_TOKEN: 'hush;hush' },
    ]) {
      expect(() => loadConfig(env)).toThrow(Object.keys(env)[0] ?? '')
      expect(() => loadConfig(env)).not.toThrow(/hush/)
    }
  })
})
