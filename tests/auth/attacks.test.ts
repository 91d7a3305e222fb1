/** Forged and malformed tokens. Rules AU1, AU2, AU6, AU12 and AU13 of docs/security.md. */
import { createHmac } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import { base64url, type JWTHeaderParameters, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { issuerKey, startKeySetServer } from '../support/issuer.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { bearer, SECRET, sign, tokenFor } from '../support/tokens.ts'

const CLAIMS = { sub: 'eve', boardcast: { subscribe: ['*'], publish: ['*'], admin: true } }
const rsa = issuerKey('RS256')
const ec = issuerKey('ES256')
let server: TestServer

beforeAll(async () => {
  const { jwtPublicKeys } = loadConfig({ BOARDCAST_JWT_PUBLIC_KEY: `${rsa.pem}${ec.pem}` })
  server = await startTestServer({ jwtPublicKeys, jwtSecrets: [SECRET] })
})
afterAll(() => server[Symbol.asyncDispose]())

function send(token: string) {
  return server.call('GET', '/boards', undefined, bearer(token))
}

function encoded(value: unknown): string {
  return base64url.encode(JSON.stringify(value))
}

function hmac(header: object, claims: object, key: string | Buffer, hash = 'sha256'): string {
  const signed = `${encoded(header)}.${encoded(claims)}`
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`
}

function withHeader(header: Partial<JWTHeaderParameters> & Record<string, unknown>): Promise<string> {
  return new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(SECRET))
}

async function expectRefused(tokens: Readonly<Record<string, string>>, on = server): Promise<void> {
  for (const [name, token] of Object.entries(tokens)) {
    const { status, body } = await on.call('GET', '/boards', undefined, bearer(token))
    expect({ status, code: body.code }, name).toEqual({ status: 401, code: 'unauthenticated' })
  }
}

describe('the algorithm is that of the key', () => {
  it('[AU12] no signature, in any spelling', async () => {
    const unsigned = (alg: unknown) => `${encoded({ alg, typ: 'JWT' })}.${encoded(CLAIMS)}.`
    const signature = (await sign(CLAIMS)).split('.')[2]
    await expectRefused({
      none: unsigned('none'),
      None: unsigned('None'),
      NONE: unsigned('NONE'),
      empty: unsigned(''),
      missing: unsigned(undefined),
      'no text': unsigned(['HS256']),
      'a signature of another token': `${unsigned('none')}${signature}`,
      'HS256 without a signature': unsigned('HS256'),
    })
  })

  it('[AU12] a public key is not a shared secret, in whatever form', async () => {
    const der = rsa.privateKey.export({ type: 'pkcs8', format: 'der' })
    await expectRefused({
      pem: hmac({ alg: 'HS256' }, CLAIMS, rsa.pem),
      'trimmed pem': hmac({ alg: 'HS256' }, CLAIMS, rsa.pem.trim()),
      jwk: hmac({ alg: 'HS256' }, CLAIMS, JSON.stringify(rsa.jwk)),
      modulus: hmac({ alg: 'HS256' }, CLAIMS, Buffer.from(rsa.jwk.n ?? '', 'base64url')),
      der: hmac({ alg: 'HS256' }, CLAIMS, der),
      'the empty key': hmac({ alg: 'HS256' }, CLAIMS, ''),
    })
  })

  it('[AU12] a good key with another algorithm', async () => {
    const ps256 = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'PS256' }).sign(rsa.privateKey)
    await expectRefused({
      HS384: hmac({ alg: 'HS384' }, CLAIMS, SECRET, 'sha384'),
      HS512: hmac({ alg: 'HS512' }, CLAIMS, SECRET, 'sha512'),
      'HS256 called RS256': hmac({ alg: 'RS256' }, CLAIMS, SECRET),
      PS256: ps256,
    })
  })

  it('[AU12] a shared secret that the key set publishes', async () => {
    const k = base64url.encode('everybody can read this secret in the set')
    const published = { ...ec, jwk: { kty: 'oct', kid: 'shared', k, alg: 'HS256' } }
    await using issuer = await startKeySetServer(published, ec)
    await using other = await startTestServer({ jwksUrl: issuer.url })
    const key = base64url.decode(k)
    await expectRefused({ shared: hmac({ alg: 'HS256', kid: 'shared' }, CLAIMS, Buffer.from(key)) }, other)
  })
})

describe('what a token says of its own key', () => {
  it('[AU13] is ignored: embedded keys, certificates and addresses', async () => {
    const eve = issuerKey('ES256', 'eve')
    await using issuer = await startKeySetServer(eve)
    await expectRefused({
      jwk: await eve.sign(CLAIMS, { jwk: eve.jwk as never }),
      jku: await eve.sign(CLAIMS, { jku: issuer.url }),
      x5u: await eve.sign(CLAIMS, { x5u: issuer.url }),
      x5c: await eve.sign(CLAIMS, { x5c: [eve.pem.replace(/-----[A-Z ]+-----|\n/g, '')] }),
    })
    expect(issuer.requests).toBe(0)
    // Beside a good signature they do no harm.
    const harmless = await withHeader({ jku: issuer.url, jwk: eve.jwk as never, x5u: issuer.url })
    expect((await send(harmless)).status).toBe(200)
    expect(issuer.requests).toBe(0)
  })

  it('[AU13] a key id is a name and nothing else', async () => {
    const key = issuerKey('ES256', 'main')
    await using issuer = await startKeySetServer(key)
    await using other = await startTestServer({ jwksUrl: issuer.url })
    const kids = ['../../../dev/null', '/dev/null', "' OR 1=1 --", 'http://127.0.0.1/', '__proto__', 'constructor', '']
    for (const kid of kids) {
      await expectRefused(
        { [kid]: await key.sign(CLAIMS, { kid }), [`${kid}, empty`]: hmac({ alg: 'HS256', kid }, CLAIMS, '') },
        other,
      )
    }
    for (const kid of [1, null, ['main'], { main: true }]) {
      await expectRefused({ [String(kid)]: hmac({ alg: 'HS256', kid }, CLAIMS, SECRET) })
    }
    expect((await other.call('GET', '/boards', undefined, bearer(await key.sign(CLAIMS)))).status).toBe(200)
  })

  it('[AU13] extensions that it calls critical are refused', async () => {
    const forged = (header: object) => hmac({ alg: 'HS256', ...header }, CLAIMS, SECRET)
    await expectRefused({
      unknown: forged({ crit: ['x'], x: 1 }),
      'unencoded payload': forged({ crit: ['b64'], b64: false }),
      empty: forged({ crit: [] }),
      'no list': forged({ crit: 'exp' }),
    })
  })
})

describe('malformed claims', () => {
  it.each([
    ['boardcast', { boardcast: 'everything' }],
    ['boardcast', { boardcast: null }],
    ['boardcast', { boardcast: [] }],
    ['boardcast.subscribe', { boardcast: { subscribe: '*' } }],
    ['boardcast.subscribe.0', { boardcast: { subscribe: [7] } }],
    ['boardcast.subscribe.1', { boardcast: { subscribe: ['board:demo', 'board:*:x'] } }],
    ['boardcast.publish.0', { boardcast: { publish: ['board demo'] } }],
    ['boardcast.publish.0', { boardcast: { publish: ['**'] } }],
    ['boardcast.publish.0', { boardcast: { publish: [''] } }],
    ['boardcast.admin', { boardcast: { admin: 'false' } }],
    ['boardcast.admin', { boardcast: { admin: 1 } }],
    ['sub', { sub: 7 }],
    ['sub', { sub: '' }],
    ['sub', { sub: 'a\r\nX-Injected: 1' }],
    ['sub', { sub: '\ud800' }],
    ['sub', { sub: 'x'.repeat(201) }],
    ['agent_id', { agent_id: 'a b' }],
    ['session_id', { session_id: { $ne: 1 } }],
    ['exp', { exp: 'tomorrow' }],
    ['exp', { exp: null }],
    ['nbf', { nbf: 'yesterday' }],
  ])('[AU14] %s: the refusal names it', async (name, claims) => {
    const { status, body } = await send(await sign(claims))
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthenticated' })
    expect(body.detail).toContain(name)
    expect(body.detail).toMatch(/\.$/)
  })

  it('[AU14] that are not an object, and unknown ones, which are ignored', async () => {
    const raw = (payload: string) => {
      const signed = `${encoded({ alg: 'HS256' })}.${base64url.encode(payload)}`
      return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
    }
    await expectRefused({ null: raw('null'), list: raw('[]'), text: raw('"x"'), nothing: raw(''), broken: raw('{') })
    expect((await send(await sign({ ...CLAIMS, aud: 'x', jti: 'y', role: { a: 1 } }))).status).toBe(200)
    const polluting = raw('{"__proto__":{"boardcast":{"subscribe":["*"],"admin":true}},"sub":"eve"}')
    expect((await server.call('GET', '/boards/demo', undefined, bearer(polluting))).status).toBe(403)
  })
})

describe('what is answered', () => {
  it('[AU15] 401 with a challenge, which says so if a token was sent', async () => {
    const challenge = async (headers: Record<string, string>) =>
      (await server.call('GET', '/boards', undefined, headers)).headers.get('WWW-Authenticate')
    expect(await challenge({})).toBe('Bearer realm="boardcast"')
    expect(await challenge(bearer('garbage'))).toBe('Bearer realm="boardcast", error="invalid_token"')
    expect(await challenge(bearer(await sign({ exp: 1 })))).toBe('Bearer realm="boardcast", error="invalid_token"')
    expect(await challenge(bearer(await sign({ sub: 7 })))).toBe('Bearer realm="boardcast", error="invalid_token"')
    expect(await challenge(bearer(await tokenFor(['*'])))).toBe(null)
    const other = await server.call('GET', '/boards/demo', undefined, bearer(await tokenFor(['board:other'])))
    expect(other.status).toBe(403)
    expect(other.headers.get('WWW-Authenticate')).toBe('Bearer realm="boardcast", error="insufficient_scope"')
  })

  it('[AU16] a huge token is refused before it is decoded', async () => {
    const huge = await sign({ ...CLAIMS, padding: 'x'.repeat(8_000) })
    await expectRefused({ huge, 'not a token': 'x'.repeat(60_000) })
    expect((await send(huge)).body.detail).toContain('8192')
    expect((await send(await sign({ ...CLAIMS, padding: 'x'.repeat(5_000) }))).status).toBe(200)
  })
})

const part = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abcXYZ019-_=.+/'), maxLength: 40 }),
  fc.json().map((text) => base64url.encode(text)),
  fc
    .record({
      alg: fc.constantFrom('HS256', 'RS256', 'ES256', 'EdDSA', 'none', 7),
      kid: fc.jsonValue(),
      crit: fc.jsonValue(),
    })
    .map(encoded),
)

test.prop(
  [
    fc.oneof(
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
      fc.base64String(),
    ),
  ],
  {
    numRuns: 150,
  },
)('[AU6] whatever is sent as a token is answered with 401', async (token) => {
  fc.pre(token.trim() !== '')
  expect((await send(token)).status).toBe(401)
})

test.prop(
  [
    fc.record(
      {
        sub: fc.jsonValue(),
        exp: fc.jsonValue(),
        nbf: fc.jsonValue(),
        boardcast: fc.jsonValue(),
        agent_id: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  ],
  {
    numRuns: 150,
  },
)('[AU14] whatever a signed token claims, the answer is 200, 401 or 403', async (claims) => {
  expect([200, 401, 403]).toContain((await send(hmac({ alg: 'HS256' }, claims, SECRET))).status)
})

test.prop([fc.nat(), fc.nat(63)], { numRuns: 100 })(
  '[AU6] a token of which one character was changed is refused',
  async (at, replacement) => {
    const token = await sign(CLAIMS)
    const index = at % token.length
    const other = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[replacement] ?? ''
    const changed = token.slice(0, index) + other + token.slice(index + 1)
    fc.pre(changed !== token)
    // Of the last character of the signature only some bits count.
    fc.pre(index < token.length - 1)
    expect((await send(changed)).status).toBe(401)
  },
)
