/** `boardcast token`, run as the built program, against real servers. Rules TOK1 to TOK4 of docs/cli.md. */
import { execFile } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { issuerKey } from '../support/issuer.ts'
import { startTestServer } from '../support/server.ts'
import { bearer, seconds } from '../support/tokens.ts'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const SECRET = 'the first secret: more than 32 bytes'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-token-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function run(args: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [CLI, 'token', ...args],
      { env: { PATH: process.env.PATH, ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
    child.stdin?.end(input)
  })
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

function keyFile(name: string, pem: string): string {
  const path = join(folder, name)
  writeFileSync(path, pem)
  return path
}

describe('making a token', () => {
  it('[TOK1] prints it and nothing else, with the claims of the options, for one hour', async () => {
    const args = ['--subscribe', 'board:demo', 'agent:*', '--publish', 'board:demo,agent:a', '--publish', 'global']
    const who = ['--admin', '--sub', 'ann', '--agent', 'a', '--session', 's']
    const { code, stdout, stderr } = await run([...args, ...who], { BOARDCAST_JWT_SECRET: ` ,${SECRET},second` })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const { iat, exp, ...claims } = claimsOf(stdout)
    expect(claims).toEqual({
      sub: 'ann',
      boardcast: { subscribe: ['board:demo', 'agent:*'], publish: ['board:demo', 'agent:a', 'global'], admin: true },
      agent_id: 'a',
      session_id: 's',
    })
    expect(Number(exp) - Number(iat)).toBe(3_600)
    expect(Math.abs(Number(exp) - seconds(3_600))).toBeLessThan(60)
  })

  it('[TOK1] [TOK2] that a server accepts: by the first secret, and by a private key of each kind', async () => {
    const keys = [issuerKey('RS256'), issuerKey('ES256'), issuerKey('EdDSA')]
    const { jwtPublicKeys } = loadConfig({ BOARDCAST_JWT_PUBLIC_KEY: keys.map(({ pem }) => pem).join('') })
    await using server = await startTestServer({ jwtPublicKeys, jwtSecrets: [SECRET] })
    const rights = ['--subscribe', '*', '--expires', '1.5m']
    const made = [await run(rights, { BOARDCAST_JWT_SECRET: `${SECRET},other` })]
    for (const { algorithm, privateKey } of keys) {
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      made.push(await run([...rights, '--key', keyFile(algorithm, pem)], { BOARDCAST_JWT_SECRET: 'another' }))
    }
    for (const { stdout, stderr } of made) {
      const { status } = await server.call('GET', '/boards', undefined, bearer(stdout.trim()))
      expect(status, stderr).toBe(200)
      expect(Number(claimsOf(stdout).exp) - Number(claimsOf(stdout).iat)).toBe(90)
    }
  })

  it('[TOK2] without a key: exit 2, and both ways are named', async () => {
    const { code, stdout, stderr } = await run(['--subscribe', '*'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^boardcast: [^\n]*BOARDCAST_JWT_SECRET[^\n]*--key[^\n]*\.\n$/)
  })

  it('[TOK2] keys that cannot sign are refused, and not quoted', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 })
    const shown = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey
    const ed448 = generateKeyPairSync('ed448').privateKey
    const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
    const weak = pem(privateKey)
    const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    for (const [key, said] of [
      [join(folder, 'nowhere.pem'), /cannot be read \(ENOENT\)/],
      [keyFile('public.pem', shown), /public key, which can only verify/],
      [keyFile('weak.pem', weak), /2048 bits/],
      [keyFile('p384.pem', pem(p384)), /P-256/],
      [keyFile('ed448.pem', pem(ed448)), /Ed25519/],
      [keyFile('encrypted.pem', String(encrypted)), /encrypted/],
      [weak.slice(0, 200), /holds no private key/],
      [weak, /2048 bits/],
    ] as const) {
      const { code, stdout, stderr } = await run(['--subscribe', '*', '--key', key])
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(said)
      expect(stderr).not.toMatch(/MII|\n\s+at /)
    }
  })

  it.each([
    [['--sub', 'ann'], /would open nothing/],
    [['--subscribe', 'demo'], /--subscribe demo: give the name of a channel/],
    [['--subscribe', 'bord:*'], /--subscribe bord:\*: give the name of a channel/],
    [['--subscribe', 'dashboards*'], /--subscribe dashboards\*/],
    [['--subscribe', '*', '--sub', ''], /--sub must have 1 to 200 characters/],
    [['--subscribe', '*', '--agent', 'a'.repeat(201)], /--agent must have 1 to 200 characters/],
    [['--publish', 'board:*:x'], /--publish board:\*:x/],
    [['--subscribe', '*', '--expires', 'soon'], /--expires soon is not a duration/],
    [['--subscribe', '*', '--expires', '0s'], /--expires 0s/],
    [['--subscribe', '*', '--agent', 'a b'], /--agent may hold only letters/],
    [['--subscribe', '*', '--sub', 'a\nb'], /--sub may not hold control characters/],
    [['--subscribe', '*', '--read', 'x'], /--read/],
    [['--subscribe', '*', '--bogus'], /--bogus/],
  ])('[TOK3] %j is refused with exit 2 and a sentence', async (args, said) => {
    const { code, stdout, stderr } = await run(args, { BOARDCAST_JWT_SECRET: SECRET })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(said)
    expect(stderr).not.toMatch(/\n\s+at |please report/)
  })
})

describe('reading a token', () => {
  it('[TOK4] prints the claims, the time that is left, and that the signature was not checked', async () => {
    const { stdout: made } = await run(['--subscribe', '*', '--sub', 'ann', '--expires', '2h'], {
      BOARDCAST_JWT_SECRET: SECRET,
    })
    for (const { code, stdout, stderr } of [await run(['--read', made.trim()]), await run(['--read', '-'], {}, made)]) {
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toEqual(claimsOf(made))
      expect(stderr).toMatch(/valid for 1h 59m, until \S+Z\. The signature was not checked\.\n$/)
    }
  })

  it.each([
    [{ exp: 1_000_000_000 }, /It expired at 2001-09-09T01:46:40\.000Z\./],
    [{}, /It does not expire\./],
    [{ exp: 'never' }, /malformed/],
    [{ exp: 1e300 }, /malformed/],
  ])('[TOK4] %j', async (claims, said) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const { code, stdout, stderr } = await run(['--read', `${part({ alg: 'none' })}.${part(claims)}.x`])
    expect([code, JSON.parse(stdout)]).toEqual([0, claims])
    expect(stderr).toMatch(said)
  })

  it('[TOK4] garbage: exit 2, and it is not repeated', async () => {
    for (const text of ['hush', 'hush.hush.hush', `${'hush'.repeat(100)}`]) {
      const { code, stdout, stderr } = await run(['--read', text])
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain('this is not a token')
      expect(stderr).not.toContain('hush')
    }
  })
})
