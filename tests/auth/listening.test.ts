/** Where a server listens, and what it needs for that: the built program. Rules AU23 to AU26 of docs/security.md. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig, refuseOpenWithoutAuth } from '../../src/base/config.ts'
import { type Program, runProgram } from '../support/program.ts'
import { SocketClient } from '../support/socket.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { storeEnv } from '../support/stores.ts'
import { sign } from '../support/tokens.ts'

let folder: string
let files = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-listen-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function newFile(ending: string): string {
  files += 1
  return join(folder, `${files}.${ending}`)
}

async function serve(env: Record<string, string>, ...options: string[]): Promise<Program> {
  return runProgram(['serve', ...options], { PORT: '0', ...(await storeEnv(newFile('db'))), ...env })
}

async function addressOf(program: Program): Promise<string> {
  await program.until(() => /listening on \S+\n/.test(program.stdout))
  return /listening on (\S+)\n/.exec(program.stdout)?.[1] ?? ''
}

/** Requests a path of a server on a Unix socket. */
function ask(socketPath: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers: { Host: 'localhost', ...headers } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    asked.on('error', reject)
    asked.end()
  })
}

const mode = (path: string) => statSync(path).mode & 0o777

describe('beyond this machine', () => {
  const open = ['0.0.0.0', '::', '192.168.1.4', 'board.example', '127.0.0.1.evil.example']

  it('[AU23] a server starts only with a key, or if rights are switched off, and says so', () => {
    const keys = [
      { BOARDCAST_TOKEN: 'x' },
      { BOARDCAST_JWT_SECRET: 'x' },
      { BOARDCAST_JWKS_URL: 'https://issuer.example/' },
      { BOARDCAST_AUTH: 'off' },
    ]
    for (const HOST of open) {
      const refusal = /HOST=.*BOARDCAST_TOKEN.*BOARDCAST_JWT_SECRET.*BOARDCAST_AUTH=off/
      expect(() => refuseOpenWithoutAuth(loadConfig({ HOST })), HOST).toThrow(refusal)
      for (const key of keys) expect(() => refuseOpenWithoutAuth(loadConfig({ HOST, ...key }))).not.toThrow()
    }
    for (const HOST of ['127.0.0.1', '127.1.2.3', 'localhost', '::1', 'unix:/run/boardcast.sock']) {
      expect(() => refuseOpenWithoutAuth(loadConfig({ HOST })), HOST).not.toThrow()
    }
  })

  it('[AU23] the program: exit 2, and with a key it listens and asks for it', async () => {
    await using refused = await serve({ HOST: '0.0.0.0' })
    expect(await refused.ended).toBe(2)
    expect(refused.stderr).toMatch(
      /^boardcast: HOST=0\.0\.0\.0 [^\n]*BOARDCAST_TOKEN[^\n]*BOARDCAST_AUTH=off[^\n]*\.\n$/,
    )
    await using allowed = await serve({ HOST: '127.0.0.1', BOARDCAST_TOKEN: 'open-sesame' })
    const url = await addressOf(allowed)
    expect((await fetch(`${url}/api/v1/boards`)).status).toBe(401)
    const headers = { Authorization: 'Bearer open-sesame' }
    expect((await fetch(`${url}/api/v1/boards`, { headers })).status).toBe(200)
  })

  it('[AU23] a short password is warned of, and so is a server without rights', async () => {
    await using weak = await serve({ BOARDCAST_TOKEN: 'hush' })
    await addressOf(weak)
    expect(weak.stderr).toMatch(/"level":40.*BOARDCAST_TOKEN has fewer than 12 characters/)
    expect(weak.stderr).not.toContain('hush')
    await using open = await serve({
      BOARDCAST_AUTH: 'off',
      BOARDCAST_TOKEN: 'a password that is not asked for'.replaceAll(' ', '-'),
    })
    await addressOf(open)
    expect(open.stderr).toMatch(/"level":40.*BOARDCAST_AUTH=off: everyone who reaches/)
  })

  it('[AU23] a short secret is warned of', async () => {
    await using program = await serve({ BOARDCAST_JWT_SECRET: 'hush' })
    await addressOf(program)
    expect(program.stderr).toMatch(/"level":40.*BOARDCAST_JWT_SECRET.*fewer than 32 bytes/)
    expect(program.stderr).not.toContain('hush')
  })
})

describe('a Unix socket', () => {
  it('[AU24] serves who may write its file: its mode is 0660 unless it is set, and it goes with the server', async () => {
    for (const [env, expected] of [
      [{}, 0o660],
      [{ BOARDCAST_SOCKET_MODE: '0600' }, 0o600],
      [{ BOARDCAST_SOCKET_MODE: '666' }, 0o666],
    ] as const) {
      const path = newFile('sock')
      await using program = await serve({ HOST: `unix:${path}`, ...env })
      expect(await addressOf(program)).toBe(`unix:${path}`)
      expect(mode(path)).toBe(expected)
      expect(await ask(path, '/api/v1/boards')).toBe(200)
      expect(await ask(path, '/api/v1/boards', { Host: 'board.example' })).toBe(403)
      program.kill('SIGTERM')
      expect(await program.ended).toBe(0)
      expect(existsSync(path)).toBe(false)
    }
  })

  it('[AU24] of a server that was killed is replaced; of one that runs, it is not', async () => {
    const path = newFile('sock')
    {
      await using killed = await serve({ HOST: `unix:${path}` })
      await addressOf(killed)
      killed.kill('SIGKILL')
      await killed.ended
    }
    expect(existsSync(path)).toBe(true)
    await using running = await serve({ HOST: `unix:${path}` })
    await addressOf(running)
    expect(await ask(path, '/health')).toBe(200)
    await using second = await serve({ HOST: `unix:${path}` })
    expect(await second.ended).toBe(1)
    expect(second.stderr).toMatch(/^boardcast: EADDRINUSE: another server listens on unix:\S+\. .*--host or HOST\.$/m)
    expect(await ask(path, '/health')).toBe(200)
  })

  it('[AU24] faults of the path are one sentence, and other files are left alone', async () => {
    const file = newFile('txt')
    writeFileSync(file, 'mine')
    for (const [path, said] of [
      [file, /is a file that is not a socket/],
      [join(folder, 'none', 'x.sock'), /the folder \S+none does not exist/],
      [join(folder, 'x'.repeat(200)), /too long for a socket/],
      ['', /must name a file after unix:/],
    ] as const) {
      await using program = await serve({ HOST: `unix:${path}` })
      expect(await program.ended, path).toBe(2)
      expect(program.stderr).toMatch(said)
      expect(program.stderr).not.toMatch(/\n\s+at /)
    }
    expect(statSync(file).size).toBe(4)
    expect(() => loadConfig({ BOARDCAST_SOCKET_MODE: '888' })).toThrow(/octal digits, such as 0660/)
  })

  it('[AU24] is an address for the commands of the command line', async () => {
    const path = newFile('sock')
    await using server = await serve({ HOST: `unix:${path}`, BOARDCAST_TOKEN: 'open-sesame' })
    await addressOf(server)
    const args = ['run', '--board', 'demo', '--title', 't', '--', 'sh', '-c', 'echo hello; sleep 0.2']
    const env = { BOARDCAST_URL: `unix:${path}` }
    await using run = runProgram(args, { ...env, BOARDCAST_TOKEN: 'open-sesame' })
    expect(await run.ended, run.stderr).toBe(0)
    expect(run.stderr).toContain(`board demo on unix:${path}`)
    await using refused = runProgram(args, { ...env, BOARDCAST_TOKEN: 'wrong' })
    expect(await refused.ended).toBe(4)
    expect(refused.stderr).not.toContain('wrong')
    await using nobody = runProgram(args, { BOARDCAST_URL: `unix:${path}.none` })
    expect(await nobody.ended).toBe(5)
  })
})

describe('serve --open', () => {
  function fakeOpener(): { bin: string; opened: string } {
    const bin = mkdtempSync(join(folder, 'bin-'))
    const opened = newFile('txt')
    for (const name of ['xdg-open', 'open']) {
      writeFileSync(
        join(bin, name),
        `#!/bin/sh\nprintf '%s' "$1" > '${opened}.part' && mv '${opened}.part' '${opened}'\n`,
      )
      chmodSync(join(bin, name), 0o755)
    }
    return { bin, opened }
  }

  async function linkOf(program: Program): Promise<string> {
    await program.until(() => /opens \S+\n/.test(program.stdout))
    return /opens (\S+)\n/.exec(program.stdout)?.[1] ?? ''
  }

  it('[AU25] prints and opens a link that signs one browser in', async () => {
    const { bin, opened } = fakeOpener()
    await using program = await serve({ BOARDCAST_TOKEN: 'open-sesame', PATH: `${bin}:${process.env.PATH}` }, '--open')
    const link = await linkOf(program)
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?ticket=[\w-]{43}$/)
    await expect.poll(() => existsSync(opened), { timeout: 20_000 }).toBe(true)
    expect(readFileSync(opened, 'utf8')).toBe(link)
    const first = await fetch(link, { redirect: 'manual', headers: { Accept: 'text/html' } })
    const cookie = first.headers.get('Set-Cookie')?.split(';')[0] ?? ''
    const { href: boards, origin } = new URL('/api/v1/boards', link)
    const headers = { Cookie: cookie, Origin: origin, 'Content-Type': 'application/json' }
    const created = await fetch(boards, { method: 'POST', headers, body: '{"id":"demo","name":"Demo"}' })
    expect(created.status).toBe(201)
    for (const path of ['/api/v1/boards/demo', '/stats']) {
      expect((await fetch(new URL(path, link), { headers: { Cookie: cookie } })).status).toBe(200)
    }
    expect((await fetch(boards)).status).toBe(401)
    const second = await fetch(link, { redirect: 'manual', headers: { Accept: 'text/html' } })
    expect(second.headers.get('Set-Cookie')).toBe(null)
    expect(program.stderr).not.toContain(new URL(link).searchParams.get('ticket'))
  })

  it('[AU25] the link has the base path, and an address of this machine; no browser is no fault', async () => {
    const env = { HOST: '0.0.0.0', BOARDCAST_AUTH: 'off', BOARDCAST_BASE_PATH: '/tools', PATH: '/nowhere' }
    await using program = await serve(env, '--open')
    const link = await linkOf(program)
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/tools\/\?ticket=/)
    expect((await fetch(new URL('/health', link))).status).toBe(200)
    const followed = await fetch(link, { headers: { Accept: 'text/html' } })
    expect([followed.status, new URL(followed.url).search]).toEqual([200, ''])
  })

  it('[AU25] on a Unix socket there is no link, and it is said', async () => {
    await using program = await serve({ HOST: `unix:${newFile('sock')}` }, '--open')
    await addressOf(program)
    await program.until(() => program.stderr.includes('--open needs a HOST'))
  })
})

/** What a server answers on streams, sockets and Socket.IO to a client with the credential, wherever it may be. */
async function saidBySockets(url: string, good: string, credential: string): Promise<string[]> {
  const said: string[] = []
  const headers = { Authorization: `Bearer ${credential}` }
  const cookie = { Cookie: `boardcast_token=${credential}`, Origin: url }
  for (const [path, sent] of [
    [`/ws?token=${credential}`, {}],
    [`/ws?ticket=${credential}`, {}],
    ['/ws?agent_id=a', headers],
    ['/ws/dashboard', cookie],
  ] as const) {
    await using client = await SocketClient.open(url, path, { headers: sent })
    said.push(...client.texts, client.closed?.reason ?? '')
  }
  await using socket = await SocketClient.open(url, '/ws', { headers: { Authorization: `Bearer ${good}` } })
  for (const message of [
    { type: 'auth', token: credential },
    { type: 'auth', token: { credential } },
    { type: 'subscribe', channel: 'topic:t', token: credential },
    { type: 'publish', channel: 'topic:t', event: 'said', token: credential },
  ]) {
    said.push(JSON.stringify(await socket.ask(message)))
  }
  for (const options of [
    { auth: { token: credential } },
    { query: { token: credential } },
    { extraHeaders: headers },
  ]) {
    for (const transport of ['websocket', 'polling'] as const) {
      await using client = await SocketIoClient.open(url, [transport], options)
      said.push(JSON.stringify(client.failures.map((error) => ({ ...error, message: error.message }))))
    }
  }
  for (const sent of [headers, cookie]) {
    const stream = `${url}/sse?channels=topic:t&limit=1&timeout=0.01`
    said.push(await (await fetch(stream, { headers: { ...sent, Accept: 'text/event-stream' } })).text())
  }
  return said
}

describe('logs', () => {
  it('[AU26] never hold a token, a ticket or a key, at any level', async () => {
    const secret = 'a-secret-that-no-log-may-hold-0123456789'
    const keys = { BOARDCAST_JWT_SECRET: secret, BOARDCAST_TOKEN: 'a-password-that-no-log-may-hold' }
    const env = { ...keys, BOARDCAST_SOCKETIO: '1', BOARDCAST_RATE_BAD_TOKENS: 'off', LOG_LEVEL: 'trace' }
    await using program = await serve(env)
    const url = await addressOf(program)
    const good = await sign({ boardcast: { subscribe: ['*'], publish: ['*'] } }, secret)
    const headers = { Authorization: `Bearer ${env.BOARDCAST_TOKEN}` }
    const made = await fetch(`${url}/api/v1/tickets`, { method: 'POST', headers })
    const { ticket } = (await made.json()) as { ticket: string }
    const bad = [
      await sign({ sub: 7 }, secret),
      await sign({ exp: 1 }, secret),
      await sign({}, 'another secret of more than 32 bytes'),
      `${good}x`,
      `${Buffer.from('{"alg":"HS256"').toString('base64url')}.zzzzzzzz.zzzzzzzz`,
      'not-a-token-but-kept-secret',
    ]
    const said: string[] = []
    for (const credential of [good, ticket, ...bad, env.BOARDCAST_TOKEN]) {
      for (const path of ['/api/v1/boards', '/sse?boardId=none', '/nowhere', '/', '/ws', '/events/a', '/socket.io/']) {
        const target = `${url}${path}${path.includes('?') ? '&' : '?'}token=${credential}&ticket=${credential}`
        const sent = { Authorization: `Bearer ${credential}`, Cookie: `boardcast_token=${credential}` }
        const answer = await fetch(target, { headers: sent, redirect: 'manual', signal: AbortSignal.timeout(20_000) })
        if (answer.status >= 300) said.push(await answer.text(), answer.headers.get('Location') ?? '')
        else await answer.body?.cancel()
      }
      said.push(...(await saidBySockets(url, good, credential)))
      const form = new URLSearchParams({ token: credential, to: `/?token=${credential}` })
      const signedIn = await fetch(`${url}/sign-in`, {
        method: 'POST',
        body: form,
        headers: { Origin: url },
        redirect: 'manual',
      })
      said.push(await signedIn.text(), signedIn.headers.get('Location') ?? '')
    }
    program.kill('SIGTERM')
    await program.ended
    expect(program.stderr).toContain('"closed"')
    for (const hidden of [secret, env.BOARDCAST_TOKEN, good, ticket, ...bad]) {
      const [, payload = '', signature = hidden] = hidden.split('.')
      for (const part of [hidden, payload, signature].filter((text) => text.length > 7)) {
        expect(program.stderr).not.toContain(part)
        expect(said.some((text) => text.includes(part))).toBe(false)
      }
    }
  })
})
