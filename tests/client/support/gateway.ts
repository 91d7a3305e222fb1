/**
 * The network between client and server, with its failures: connections are cut, go silent, are answered with 503, or
 * refused. It does not look into the bytes.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  readonly server: Socket
  isStream: boolean
}

export class Gateway implements AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Requests for streams, as first lines. */
  readonly streams: string[] = []
  /** All requests that came as the first on their connection or after. */
  requests = 0
  /** How often the answer of `refuse` was given. */
  refusals = 0
  readonly #listener: Server
  readonly #pairs = new Set<Pair>()
  #answer: string | null = null

  private constructor(listener: Server, port: number) {
    this.#listener = listener
    this.port = port
    this.url = `http://127.0.0.1:${port}`
  }

  static async to(target: number): Promise<Gateway> {
    const listener = createServer()
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const address = listener.address()
    const gateway = new Gateway(listener, typeof address === 'object' && address ? address.port : 0)
    listener.on('connection', (client) => gateway.#accept(client, target))
    return gateway
  }

  get openStreams(): number {
    return [...this.#pairs].filter(({ isStream }) => isStream).length
  }

  /** Every connection breaks off, or those of streams only. */
  cut(which: 'all' | 'streams' = 'all'): void {
    for (const pair of [...this.#pairs]) {
      if (which === 'streams' && !pair.isStream) continue
      pair.client.destroy()
      pair.server.destroy()
    }
  }

  /** Open connections go silent without being closed. New ones work. */
  silence(): void {
    for (const { client, server } of this.#pairs) {
      client.unpipe()
      server.unpipe()
      server.removeAllListeners('data')
      server.resume()
    }
  }

  /** New requests get this answer, until `pass`. */
  refuse(status: number, headers: Record<string, string> = {}): void {
    const lines = Object.entries({ 'Content-Length': '0', Connection: 'close', ...headers }).map(
      ([n, v]) => `${n}: ${v}\r\n`,
    )
    this.#answer = `HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n`
  }

  pass(): void {
    this.#answer = null
  }

  #accept(client: Socket, target: number): void {
    client.on('error', () => undefined)
    if (this.#answer !== null) {
      const answer = this.#answer
      client.once('data', () => {
        this.refusals += 1
        client.end(answer)
      })
      return
    }
    const server = connect(target, '127.0.0.1')
    const pair: Pair = { client, server, isStream: false }
    this.#pairs.add(pair)
    server.on('error', () => undefined)
    client.on('data', (chunk: Buffer) => {
      const line = chunk.toString('latin1').split('\r\n')[0] ?? ''
      if (/^(GET|POST|PATCH|DELETE|HEAD) /.test(line)) this.requests += 1
      if (!line.startsWith('GET /sse') && !line.startsWith('GET /ws')) return
      pair.isStream = true
      this.streams.push(line)
    })
    client.pipe(server)
    server.pipe(client)
    const forget = () => {
      this.#pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    client.on('close', forget)
    server.on('close', forget)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#listener.close(resolve))
  }
}
