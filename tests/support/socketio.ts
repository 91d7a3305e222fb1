/** The official Socket.IO client, which keeps everything it receives and waits for conditions. */
import type { Socket as NetSocket } from 'node:net'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'

export interface SocketIoMessage {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read payloads of every shape.
  readonly data: any
  readonly channel: string
  readonly id: string
}

export interface SocketIoAck {
  readonly success: boolean
  readonly channel?: string
  readonly error?: string
  readonly message?: string
  readonly code?: string
}

export type Transport = 'websocket' | 'polling'

export class SocketIoClient implements AsyncDisposable {
  readonly socket: Socket
  readonly messages: SocketIoMessage[] = []
  readonly errors: SocketIoAck[] = []
  readonly failures: Error[] = []
  /** Why it was disconnected, in the library's words. */
  readonly ends: string[] = []
  readonly #waiting = new Set<() => void>()

  constructor(url: string, transports: Transport[], options: Partial<ManagerOptions & SocketOptions> = {}) {
    this.socket = io(url, { transports, forceNew: true, reconnection: false, ...options })
    this.socket.on('message', (message) => this.#note(this.messages, message))
    this.socket.on('error', (error) => this.#note(this.errors, error))
    this.socket.on('connect_error', (error) => this.#note(this.failures, error))
    this.socket.on('disconnect', (reason) => this.#note(this.ends, reason))
    this.socket.on('connect', () => this.#wake())
  }

  static async open(url: string, transports: Transport[], options: Partial<ManagerOptions & SocketOptions> = {}) {
    const client = new SocketIoClient(url, transports, options)
    await client.until(() => client.socket.connected || client.failures.length > 0)
    return client
  }

  /** The transport in use. */
  get transport(): string {
    return this.socket.io.engine.transport.name
  }

  /** The connection under a WebSocket transport. */
  get connection(): NetSocket {
    return (this.socket.io.engine.transport as unknown as { ws: { _socket: NetSocket } }).ws._socket
  }

  ask(event: string, ...asked: unknown[]): Promise<SocketIoAck> {
    return new Promise((resolve) => this.socket.emit(event, ...asked, resolve))
  }

  named(type: string): SocketIoMessage[] {
    return this.messages.filter((message) => message.type === type)
  }

  /** Resolves when the condition holds; rejects with what was seen after `withinMs`. */
  until(condition: () => boolean, withinMs = 15_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check)
        const { ends, failures, errors } = this
        const seen = this.messages.slice(-30).map(({ type, channel, id }) => `${type} ${channel} ${id}`)
        reject(
          new Error(
            `the condition did not hold; saw ${JSON.stringify({ ends, failures: failures.map(String), errors, seen })}`,
          ),
        )
      }, withinMs)
      const check = () => {
        if (!condition()) return
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A connection that is not read would never process the disconnect.
    if (this.transport === 'websocket' && this.socket.connected) this.connection.destroy()
    this.socket.disconnect()
  }

  #note<T>(list: T[], one: T): void {
    list.push(one)
    this.#wake()
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }
}
