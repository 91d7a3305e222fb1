/**
 * The origin that a browser sees: the page with the client library, and behind it the server. Plain HTTP/1.1, so a
 * browser allows six connections. It has failures on demand.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { eventNames } from '../../../vite.event-names.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Builds the library as a page loads it. */
export async function buildPage(entry = 'web/client/index.ts'): Promise<{ readonly folder: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-page-'))
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    define: eventNames,
    build: {
      lib: { entry: { client: entry }, formats: ['es'] },
      outDir: folder,
      emptyOutDir: true,
      minify: false,
      copyPublicDir: false,
    },
  })
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** A page without an origin, like an untrusted embedded document. */
const SANDBOX = `<!doctype html><title>sandbox</title><link rel="icon" href="data:,">
<iframe sandbox="allow-scripts" src="/page/"></iframe>`

const PAGE = `<!doctype html><title>client</title><link rel="icon" href="data:,"><script type="module">
import * as client from '/page/client.js'
window.client = client
</script>`

export class Front implements AsyncDisposable {
  readonly url: string
  /** Paths of the streams that were asked for. */
  readonly streams: string[] = []
  /** Everything that was asked for but the page, as `METHOD path`, with its headers. */
  readonly requests: Array<{ readonly line: string; readonly headers: IncomingHttpHeaders }> = []
  readonly #server: Server
  readonly #open = new Set<ServerResponse>()
  readonly #sockets = new Set<Duplex>()
  #refusal: number | null = null
  #answer: ((incoming: IncomingMessage, outgoing: ServerResponse) => void) | null = null

  private constructor(server: Server, url: string) {
    this.#server = server
    this.url = url
  }

  static async to(port: number, folder: string): Promise<Front> {
    const server = createServer((incoming, outgoing) => front.#serve(incoming, outgoing, port, folder))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    server.on('upgrade', (incoming, socket) => front.#pass(incoming, socket, port))
    const front = new Front(server, `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    return front
  }

  /** Streams and sockets that are open. */
  get open(): number {
    return this.#open.size + this.#sockets.size
  }

  cut(): void {
    this.#server.closeAllConnections()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Nothing comes on the streams that are open, and they do not end. */
  silence(): void {
    for (const each of [...this.#open, ...this.#sockets]) each.emit('silence')
  }

  /** Requests are answered with this status until `pass`. */
  refuse(status: number): void {
    this.#refusal = status
  }

  /** Requests are answered by this until `pass`. */
  answer(how: (incoming: IncomingMessage, outgoing: ServerResponse) => void): void {
    this.#answer = how
  }

  /** Connections are refused until `listen`. */
  async hide(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.cut()
    await closed
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(Number(new URL(this.url).port), '127.0.0.1', resolve))
  }

  pass(): void {
    this.#refusal = null
    this.#answer = null
  }

  #pass({ method, url = '', rawHeaders }: IncomingMessage, socket: Duplex, port: number): void {
    if (this.#refusal !== null) {
      socket.end(`HTTP/1.1 ${this.#refusal} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
      return
    }
    this.streams.push(url)
    const onward = connect(port, '127.0.0.1')
    const headers = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}\r\n`] : []))
    onward.write(`${method} ${url} HTTP/1.1\r\n${headers.join('')}\r\n`)
    this.#sockets.add(socket)
    socket.pipe(onward).pipe(socket)
    socket.once('silence', () => {
      onward.unpipe(socket)
      onward.resume()
    })
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on('error', () => undefined)
      one.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse, port: number, folder: string): void {
    const { method = 'GET', url = '', headers } = incoming
    const { pathname, searchParams } = new URL(url, this.url)
    // For the page without an origin, which could read nothing otherwise.
    if (headers.origin === 'null') outgoing.setHeader('Access-Control-Allow-Origin', '*')
    if (pathname === '/page/sandbox') {
      outgoing.writeHead(200, { 'Content-Type': 'text/html' }).end(SANDBOX)
      return
    }
    const policy = searchParams.get('policy')
    if (policy) outgoing.setHeader('Content-Security-Policy', policy)
    if (pathname === '/page/' || pathname === '/page/other') {
      outgoing.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE)
      return
    }
    if (pathname.startsWith('/page/')) {
      const type = extname(pathname) === '.js' ? 'text/javascript' : 'application/json'
      outgoing.writeHead(200, { 'Content-Type': type }).end(readFileSync(join(folder, pathname.slice('/page/'.length))))
      return
    }
    this.requests.push({ line: `${method} ${url}`, headers })
    if (this.#answer) {
      this.#answer(incoming, outgoing)
      return
    }
    if (this.#refusal !== null) {
      outgoing.writeHead(this.#refusal, { 'Content-Length': '0', 'Retry-After': '0' }).end()
      return
    }
    // The server must see its own name, whatever name the page was opened with.
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
      answer.on('error', () => outgoing.destroy())
      answer.on('aborted', () => outgoing.destroy())
      outgoing.once('silence', () => {
        answer.unpipe(outgoing)
        answer.resume()
      })
    })
    if (pathname === '/sse' && method === 'GET') {
      this.streams.push(url)
      this.#open.add(outgoing)
      outgoing.on('close', () => this.#open.delete(outgoing))
    }
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
