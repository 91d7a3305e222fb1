/** A WebSocket client that keeps everything it receives, and waits for conditions. */
import { WebSocket } from 'ws'

export interface SocketMessage {
  readonly type: string
  readonly id?: string
  readonly channel?: string
  readonly event?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read messages of every shape.
  readonly [field: string]: any
}

export class SocketClient implements AsyncDisposable {
  readonly messages: SocketMessage[] = []
  readonly texts: string[] = []
  readonly websocket: WebSocket
  closed: { code: number; reason: string } | null = null
  /** The status of a refused upgrade. */
  refused: number | null = null
  pings = 0
  #waiting = new Set<() => void>()
  #asked = 0

  constructor(url: string, path: string, options: ConstructorParameters<typeof WebSocket>[2] = {}) {
    this.websocket = new WebSocket(url.replace(/^http/, 'ws') + path, options)
    this.websocket.on('message', (data) => {
      const text = String(data)
      this.texts.push(text)
      this.messages.push(JSON.parse(text) as SocketMessage)
      this.#notify()
    })
    this.websocket.on('open', () => this.#notify())
    this.websocket.on('ping', () => {
      this.pings += 1
      this.#notify()
    })
    this.websocket.on('unexpected-response', (_request, response) => {
      this.refused = response.statusCode ?? 0
      response.resume()
      this.#notify()
    })
    this.websocket.on('error', () => this.#notify())
    this.websocket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) }
      this.#notify()
    })
  }

  static async open(url: string, path: string, options?: ConstructorParameters<typeof WebSocket>[2]) {
    const client = new SocketClient(url, path, options)
    const { websocket } = client
    await client.until(
      () => websocket.readyState === WebSocket.OPEN || client.closed !== null || client.refused !== null,
    )
    return client
  }

  send(message: object | string): void {
    this.websocket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** Sends a message with a new id, and resolves to its `ack`. */
  async ask(message: object): Promise<SocketMessage> {
    this.#asked += 1
    const id = `ask-${this.#asked}`
    this.send({ ...message, id })
    return this.answer(id)
  }

  /** The `ack` with this id; a board socket has its fields in the payload. */
  answer(id: string | number): Promise<SocketMessage> {
    return this.first(
      `an answer to ${id}`,
      (message) => message.type === 'ack' && (message.payload ?? message).id === id,
    ).then((ack) => ack.payload ?? ack)
  }

  /** The first message that satisfies the condition. */
  async first(what: string, isSought: (message: SocketMessage) => boolean): Promise<SocketMessage> {
    await this.until(() => this.messages.some(isSought)).catch((error: Error) => {
      throw new Error(`waited for ${what}: ${error.message}`)
    })
    return this.messages.find(isSought) as SocketMessage
  }

  /** The event with this id. */
  id(id: string): Promise<SocketMessage> {
    return this.first(`id ${id}`, (message) => message.type !== 'ack' && message.id === id)
  }

  /** Resolves to how the socket was closed. */
  async untilClosed(): Promise<{ code: number; reason: string }> {
    await this.until(() => this.closed !== null)
    return this.closed as { code: number; reason: string }
  }

  /** Events of a channel socket by their name. */
  named(event: string): SocketMessage[] {
    return this.messages.filter((message) => message.type === 'event' && message.event === event)
  }

  ofType(type: string): SocketMessage[] {
    return this.messages.filter((message) => message.type === type)
  }

  /** Resolves when the condition holds; rejects with what was seen after `withinMs`. */
  async until(condition: () => boolean, withinMs = 10_000): Promise<void> {
    const deadline = Date.now() + withinMs
    while (!condition()) {
      const left = deadline - Date.now()
      if (left <= 0)
        throw new Error(
          `not within ${withinMs} ms; closed: ${JSON.stringify(this.closed)}; seen:\n${this.texts.join('\n')}`,
        )
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#waiting.add(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.websocket.terminate()
  }

  #notify(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
