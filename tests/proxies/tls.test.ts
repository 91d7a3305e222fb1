/**
 * The configurations with TLS in docs/proxies, each in front of a server with rights on, with a certificate that is made here.
 * Rule PX7.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { isOnPath, type RunningProxy } from '../support/proxy-process.ts'
import type { TestServer } from '../support/server.ts'
import { bearer, startServerWithRights, tokenFor } from '../support/tokens.ts'
import { isInstalled, PROXIES, type ProxyKind, startProxy } from './programs.ts'

const FILES: Readonly<Record<string, string>> = {
  nginx: 'nginx-tls.conf',
  HAProxy: 'haproxy-tls.cfg',
  Caddy: 'Caddyfile-tls',
}

const hasOpenSsl = isOnPath('openssl')
if (!hasOpenSsl)
  process.stderr.write('skipped: openssl is not installed, so there is no certificate to test TLS with\n')

for (const plain of PROXIES.filter(({ name }) => name in FILES)) {
  describe.skipIf(!hasOpenSsl || !isInstalled(plain))(`behind ${plain.name} with TLS`, () => {
    let folder: string
    let server: TestServer
    let proxy: RunningProxy
    let session: ClientHttp2Session
    let token: string

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'boardcast-tls-'))
      token = await tokenFor(['*'])
      server = await startServerWithRights({ heartbeatMs: 500 })
      proxy = await startProxy(withTls(plain, folder), server.port)
      session = connect(`https://127.0.0.1:${proxy.port}`, { ca: readFileSync(join(folder, 'board.pem')) })
    })
    afterAll(async () => {
      session?.destroy()
      await proxy?.[Symbol.asyncDispose]()
      await server?.[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    })

    /** Over HTTP/2; resolves as soon as `enough` of the body is there, or all. */
    function ask(headers: Record<string, string>, body = '', enough: (text: string) => boolean = () => false) {
      return new Promise<{ headers: IncomingHttpHeaders; status: number; text: string }>((resolve, reject) => {
        const stream = session.request(headers)
        let head: IncomingHttpHeaders & { ':status'?: number } = {}
        let text = ''
        const done = () => resolve({ headers: head, status: head[':status'] ?? 0, text })
        stream.on('response', (given) => {
          head = given
        })
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          if (enough(text)) {
            done()
            stream.close()
          }
        })
        stream.on('end', done)
        stream.on('error', reject)
        if (headers[':method'] === 'POST') stream.end(body)
      })
    }

    const EVENT = { ':method': 'POST', ':path': '/api/v1/topics/t/events', 'content-type': 'application/json' }
    const SAID = '{"event":"said"}'

    it('[PX7] streams and mutations pass over HTTP/2, and browsers are told to stay with TLS', async () => {
      let seen = ''
      const stream = ask({ ':path': '/sse?channels=topic:t', ...bearer(token) }, '', (text) => {
        seen = text
        return text.includes('event: said') && text.includes('event: heartbeat')
      })
      await expect.poll(() => seen, { timeout: 10_000 }).toContain('event: hello')
      const { status, headers } = await ask({ ...EVENT, ...bearer(token) }, SAID)
      expect(status).toBe(202)
      expect(headers['strict-transport-security']).toContain('max-age=31536000')
      // Before anything else is posted.
      await expect.poll(() => seen, { timeout: 10_000 }).toContain('event: said')
      expect((await stream).headers['content-type']).toContain('text/event-stream')
      // A proxy may speak it to whoever begins with it, and offer it to no browser.
      expect(session.alpnProtocol).toBe('h2')
    })

    it('[PX7] sockets pass', async () => {
      const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/ws?token=${token}`, {
        ca: readFileSync(join(folder, 'board.pem')),
      })
      const first = await new Promise<string>((resolve, reject) => {
        socket.once('message', (data) => resolve(String(data)))
        socket.once('error', reject)
      })
      expect(first).toContain('"connected"')
      socket.terminate()
    })

    it('[PX7] the cookie counts for a page of that address, and for no other', async () => {
      const cookie = { cookie: `boardcast_token=${token}` }
      const ours = { ...EVENT, ...cookie, origin: `https://127.0.0.1:${proxy.port}` }
      expect((await ask(ours, SAID)).status).toBe(202)
      expect((await ask({ ...ours, origin: 'https://evil.test' }, SAID)).status).toBe(403)
      expect((await ask({ ...EVENT, ...cookie }, SAID)).status).toBe(403)
    })

    it('[PX7] a page that is opened with a ticket gets a cookie for TLS only', async () => {
      const made = await ask({ ...EVENT, ':path': '/api/v1/tickets', ...bearer(token) }, '{}')
      expect(made.status).toBe(201)
      const { ticket } = JSON.parse(made.text) as { ticket: string }
      const asked = await ask({ ':path': `/?ticket=${ticket}`, accept: 'text/html' })
      const [, session = ''] = /name="token" value="([^"]*)"/.exec(asked.text) ?? []
      const form = { ':path': '/sign-in', ':method': 'POST', 'content-type': 'application/x-www-form-urlencoded' }
      const origin = `https://127.0.0.1:${proxy.port}`
      const answer = `${new URLSearchParams({ token: session, to: '/' })}`
      const { headers, status } = await ask({ ...form, origin }, answer)
      expect(status).toBe(303)
      expect((await ask({ ...form, origin: 'https://evil.test' }, answer)).status).toBe(403)
      expect(headers['set-cookie']?.[0]).toMatch(/; Secure/)
    })

    it('[PX7] refusals are logged with the address of the client, and without tickets and tokens', async () => {
      const secret = 'do-not-log-this'
      const paths = [`/sse?ticket=${secret}`, `/sse?channels=topic:t&token=${secret}`, `/?ticket=${secret}&a=1`]
      for (const path of paths) await ask({ ':path': path, accept: 'text/html', ...bearer(secret) })
      await ask({ ':path': '/sse', cookie: `boardcast_token=${secret}` })
      await expect.poll(() => logOf(proxy, folder)).toMatch(/127\.0\.0\.1.*\/sse.*401/)
      expect(logOf(proxy, folder)).not.toContain(secret)
    })

    it('[PX7] nor are they logged while the server is away', async () => {
      const place = mkdtempSync(join(tmpdir(), 'boardcast-tls-'))
      const [secret, log] = ['do-not-log-this', () => logOf(impatient, place)]
      // The port of a server that is gone.
      const gone = await startServerWithRights()
      await gone[Symbol.asyncDispose]()
      await using impatient = await startProxy(withTls(plain, place, withoutPatience), gone.port)
      const other = connect(`https://127.0.0.1:${impatient.port}`, { ca: readFileSync(join(place, 'board.pem')) })
      const refused = other.request({ ':path': `/sse?ticket=${secret}&token=${secret}`, ...bearer(secret) })
      refused.resume().on('error', () => undefined)
      await expect.poll(log, { timeout: 15_000 }).toMatch(/\/sse.*50[23]/)
      other.destroy()
      expect(log()).not.toContain(secret)
      rmSync(place, { recursive: true })
    })
  })
}

/** What the proxy has written: on its outputs, or into files. */
function logOf({ output }: RunningProxy, folder: string): string {
  const files = readdirSync(folder).filter((name) => name.endsWith('.log'))
  return [output, ...files.map((name) => readFileSync(join(folder, name), 'utf8'))].join('\n')
}

/** They wait for a server that is away, for longer than a test should. */
function withoutPatience(text: string): string {
  return text.replace('lb_try_duration 30s', 'lb_try_duration 1s').replace('retries 20', 'retries 1')
}

/** The same program with the file for TLS, and a certificate in place of the one that it names. */
function withTls(plain: ProxyKind, folder: string, change = (text: string) => text): ProxyKind {
  const [key, certificate] = [join(folder, 'board.key'), join(folder, 'board.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    key,
    '-out',
    certificate,
  ]
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...made, ...subject], { stdio: 'ignore' })
  writeFileSync(join(folder, 'board-with-key.pem'), readFileSync(certificate, 'latin1') + readFileSync(key, 'latin1'))
  return {
    ...plain,
    file: FILES[plain.name] ?? '',
    prepare: (text, where) =>
      plain.prepare(
        change(text)
          .replaceAll(/\/etc\/ssl\/|\/var\/log\/nginx\//g, `${folder}/`)
          .replaceAll(/\b8443\b/g, String(where.port)),
        where,
      ),
  }
}
