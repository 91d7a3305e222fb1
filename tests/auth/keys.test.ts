/** Public keys and key sets of an issuer. Rules AU8 to AU12 of docs/security.md. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSource } from 'eventsource'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { issuerKey, startKeySetServer } from '../support/issuer.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener } from '../support/stream.ts'
import { bearer } from '../support/tokens.ts'

const CLAIMS = { sub: 'ann', boardcast: { subscribe: ['*'] } }
const rsa = issuerKey('RS256', 'rsa')
const ec = issuerKey('ES256', 'ec')
const ed = issuerKey('EdDSA', 'ed')
const stranger = issuerKey('ES256', 'ec')

async function answerTo(server: TestServer, token: string) {
  return server.call('GET', '/boards', undefined, bearer(token))
}

async function statusOf(server: TestServer, token: string): Promise<number> {
  return (await answerTo(server, token)).status
}

describe('a public key', () => {
  it.each([rsa, ec, ed])('[AU8] $algorithm: verifies the tokens of its private key', async (key) => {
    const { jwtPublicKeys } = loadConfig({ BOARDCAST_JWT_PUBLIC_KEY: key.pem })
    await using server = await startTestServer({ jwtPublicKeys })
    expect(await statusOf(server, await key.sign(CLAIMS))).toBe(200)
    expect(await statusOf(server, await issuerKey(key.algorithm).sign(CLAIMS))).toBe(401)
  })

  it('[AU8] several of different kinds, from a file, or with \\n for line ends', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'boardcast-'))
    try {
      const file = join(folder, 'keys.pem')
      writeFileSync(file, `# ours\n${rsa.pem}\n${ed.pem}`)
      const { jwtPublicKeys } = loadConfig({ BOARDCAST_JWT_PUBLIC_KEY: `@${file}` })
      await using server = await startTestServer({ jwtPublicKeys })
      for (const [key, status] of [
        [rsa, 200],
        [ed, 200],
        [ec, 401],
      ] as const) {
        expect(await statusOf(server, await key.sign(CLAIMS)), key.algorithm).toBe(status)
      }
      const onOneLine = loadConfig({ BOARDCAST_JWT_PUBLIC_KEY: ec.pem.replaceAll('\n', '\\n') })
      expect(onOneLine.jwtPublicKeys.map(({ algorithm }) => algorithm)).toEqual(['ES256'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('[AU8] that cannot be used is refused at the start', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey
    const otherCurve = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey
    for (const [given, said] of [
      ['hush', /must hold a public key in PEM form/],
      ['@/nowhere/at/all.pem', /\/nowhere\/at\/all\.pem, which cannot be read \(ENOENT\)/],
      [rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /holds a private key/],
      [weak.export({ type: 'spki', format: 'pem' }).toString(), /1024 bits/],
      [otherCurve.export({ type: 'spki', format: 'pem' }).toString(), /another kind/],
      [ec.pem.replace(/[A-Za-z]{8}/, 'AAAAAAAA'), /cannot be read/],
    ] as const) {
      expect(() => loadConfig({ BOARDCAST_JWT_PUBLIC_KEY: given })).toThrow(said)
      expect(() => loadConfig({ BOARDCAST_JWT_PUBLIC_KEY: given })).not.toThrow(/hush|MII|MH/)
    }
  })
})

describe('a key set', () => {
  it('[AU9] verifies with each of its keys, by id or, without one, by trying those of the algorithm', async () => {
    await using issuer = await startKeySetServer(rsa, ec, ed)
    await using server = await startTestServer({ jwksUrl: issuer.url })
    for (const key of [rsa, ec, ed]) expect(await statusOf(server, await key.sign(CLAIMS)), key.algorithm).toBe(200)
    expect(await statusOf(server, await ec.sign(CLAIMS, { kid: undefined }))).toBe(200)
    expect(await statusOf(server, await stranger.sign(CLAIMS))).toBe(401)
    expect(await statusOf(server, await ec.sign(CLAIMS, { kid: 'rsa' }))).toBe(401)
  })

  it('[AU9] keys for encryption, of other algorithms, and shared secrets in it are not used', async () => {
    await using issuer = await startKeySetServer(
      { ...ec, jwk: { ...ec.jwk, use: 'enc' } },
      { ...ed, jwk: { ...ed.jwk, key_ops: ['sign'] } },
      { ...rsa, jwk: { ...rsa.jwk, alg: 'PS256' } },
      { ...rsa, jwk: { kty: 'oct', kid: 'shared', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0', alg: 'HS256' } },
    )
    await using server = await startTestServer({ jwksUrl: issuer.url })
    for (const key of [rsa, ec, ed]) expect(await statusOf(server, await key.sign(CLAIMS)), key.algorithm).toBe(401)
  })

  it('[AU10] a token with a new key id makes the server fetch the set again; a removed key is used no more', async () => {
    const next = issuerKey('ES256', 'next')
    await using issuer = await startKeySetServer(ec)
    await using server = await startTestServer({ jwksUrl: issuer.url })
    const old = await ec.sign(CLAIMS)
    expect(await statusOf(server, old)).toBe(200)
    expect(issuer.requests).toBe(1)
    issuer.publish(next)
    expect(await statusOf(server, old), 'not known to be removed').toBe(200)
    expect(await statusOf(server, await next.sign(CLAIMS))).toBe(200)
    expect(await statusOf(server, old)).toBe(401)
    expect(issuer.requests).toBe(2)
  })

  it('[AU10] made-up key ids cause one fetch in 10 s', async () => {
    await using issuer = await startKeySetServer(ec)
    await using server = await startTestServer({ jwksUrl: issuer.url })
    expect(await statusOf(server, await ec.sign(CLAIMS))).toBe(200)
    const tokens = await Promise.all(Array.from({ length: 50 }, (_, i) => stranger.sign(CLAIMS, { kid: `k${i}` })))
    for (let round = 0; round < 2; round += 1) {
      const statuses = await Promise.all(tokens.map((token) => statusOf(server, token)))
      expect(new Set(statuses)).toEqual(new Set([401]))
    }
    expect(issuer.requests).toBe(2)
  })

  it.each([
    ['is answered with an error', (response: ServerResponse) => response.writeHead(500).end()],
    ['is not JSON', (response: ServerResponse) => response.end('<html>')],
    ['is no key set', (response: ServerResponse) => response.end('{"keys":7}')],
    ['is cut off', (response: ServerResponse) => response.destroy()],
    ['is endless', (response: ServerResponse) => response.end('x'.repeat(2_000_000))],
  ])('[AU11] while the set %s: 503 with Retry-After, and known keys go on working', async (_, answer) => {
    await using issuer = await startKeySetServer(ec)
    issuer.answerBy(answer)
    await using server = await startTestServer({ jwksUrl: issuer.url, logLevel: 'silent' })
    const refused = await answerTo(server, await ec.sign(CLAIMS))
    expect(refused).toMatchObject({ status: 503, body: { code: 'issuer_unavailable' } })
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect((await server.call('GET', '/boards', undefined, bearer('garbage'))).status).toBe(401)

    issuer.answerBy(undefined)
    await expect.poll(async () => statusOf(server, await ec.sign(CLAIMS)), { timeout: 20_000 }).toBe(200)

    issuer.answerBy(answer)
    expect(await statusOf(server, await stranger.sign(CLAIMS, { kid: 'new' }))).toBe(401)
    expect(await statusOf(server, await ec.sign({ ...CLAIMS, sub: 'another' }))).toBe(200)
  })

  it('[AU11] meanwhile an EventSource is asked to come back, and is served as soon as there are keys', async () => {
    await using issuer = await startKeySetServer(ec)
    issuer.answerBy((response) => response.writeHead(500).end())
    await using server = await startTestServer({ jwksUrl: issuer.url, logLevel: 'silent' })
    const token = await ec.sign(CLAIMS)
    for (const [path, dataOf] of [
      ['/sse?channels=topic:news', (data: { data: unknown }) => data.data],
      ['/sse', (data: unknown) => data],
      ['/events/a', (data: unknown) => data],
    ] as const) {
      await using listener = new Listener(server.url, path, { headers: bearer(token) })
      await listener.untilClosed()
      expect([listener.status, listener.ended], path).toEqual([200, true])
      expect(listener.frames.map(({ event }) => event)).toEqual(['overloaded'])
      expect(listener.frames[0]?.id).toBeUndefined()
      expect(dataOf(listener.frames[0]?.data)).toEqual({ retryMs: listener.retry })
      expect(listener.retry).toBeGreaterThanOrEqual(1_600)
      expect(listener.retry).toBeLessThanOrEqual(2_400)
    }
    const program = await fetch(`${server.url}/sse`, { headers: bearer(token) })
    expect([program.status, await program.json()]).toMatchObject([503, { code: 'issuer_unavailable' }])
    const other = { ...bearer('garbage'), Accept: 'text/event-stream' }
    expect((await fetch(`${server.url}/sse`, { headers: other })).status).toBe(401)

    const source = new EventSource(`${server.url}/sse?token=${token}`)
    try {
      await new Promise((resolve) => source.addEventListener('overloaded', resolve, { once: true }))
      issuer.answerBy(undefined)
      await new Promise((resolve) => source.addEventListener('hello', resolve, { once: true }))
    } finally {
      source.close()
    }
  })

  it('[AU9] is not fetched from where it redirects to', async () => {
    await using elsewhere = await startKeySetServer(ec)
    await using issuer = await startKeySetServer(ec)
    issuer.answerBy((response) => response.writeHead(302, { Location: elsewhere.url }).end())
    await using server = await startTestServer({ jwksUrl: issuer.url, logLevel: 'silent' })
    expect(await statusOf(server, await ec.sign(CLAIMS))).toBe(503)
    expect(elsewhere.requests).toBe(0)
  })

  it('[AU11] while the set is asked for and nothing comes: 503 after 3 s, and known keys go on working at once', async () => {
    await using issuer = await startKeySetServer(ec)
    issuer.answerBy(() => undefined)
    const { jwtPublicKeys } = loadConfig({ BOARDCAST_JWT_PUBLIC_KEY: rsa.pem })
    await using server = await startTestServer({ jwksUrl: issuer.url, jwtPublicKeys, logLevel: 'silent' })
    expect(await statusOf(server, await rsa.sign(CLAIMS)), 'a key of the settings').toBe(200)
    expect(await statusOf(server, await ec.sign(CLAIMS))).toBe(503)

    issuer.answerBy(undefined)
    await expect.poll(async () => statusOf(server, await ec.sign(CLAIMS)), { timeout: 20_000 }).toBe(200)
    issuer.answerBy(() => undefined)
    const unknown = stranger.sign(CLAIMS, { kid: 'new' }).then((token) => statusOf(server, token))
    expect(await Promise.race([unknown, statusOf(server, await ec.sign({ ...CLAIMS, sub: 'another' }))])).toBe(200)
    expect(await unknown).toBe(401)
  })

  it('[AU9] is fetched only over https, or from this machine', () => {
    for (const url of [
      'https://issuer.example/keys',
      'http://127.0.0.1:9/keys',
      'http://localhost/',
      'http://[::1]/',
    ]) {
      expect(loadConfig({ BOARDCAST_JWKS_URL: url }).jwksUrl).toBe(url)
    }
    for (const url of ['http://issuer.example/keys', 'https://me:hush@issuer.example/', 'file:///etc/keys', 'keys']) {
      expect(() => loadConfig({ BOARDCAST_JWKS_URL: url }), url).toThrow(/BOARDCAST_JWKS_URL must be an https URL/)
    }
  })
})
