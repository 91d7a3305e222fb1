/** A WebSocket with what happened on it. */
import type { IncomingHttpHeaders } from 'node:http'
import WebSocket from 'ws'
import { parseJson } from '../../../text/json-line.ts'
import { socketPathOf } from '../../api/fetch.ts'
import { reasonOf } from '../../api/retry.ts'
import type { Road } from './road.ts'

export interface UpgradeRefusal {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

export class RecordedSocket {
  readonly askedAt = performance.now()
  /** The answer to an upgrade that is none. */
  refusal: UpgradeRefusal | undefined
  /** Why it could not be opened, or broke off. */
  error: string | undefined
  isOpen = false
  readonly texts: string[] = []
  /** A ping frame of the server has come. */
  pings = 0
  closedAt: number | undefined
  /** When something was sent or received last. */
  lastAt = performance.now()
  readonly #socket: WebSocket
  readonly #watchers = new Set<() => void>()

  /** As a page of this address would open it. */
  constructor({ baseUrl, credentials }: Road, path: string, handshakeTimeout: number) {
    const socketPath = socketPathOf(baseUrl)
    const address = socketPath === undefined ? baseUrl.replace(/^http/, 'ws') + path : `ws+unix:${socketPath}:${path}`
    const origin: Record<string, string> = socketPath === undefined ? { Origin: new URL(baseUrl).origin } : {}
    this.#socket = new WebSocket(address, { headers: { ...credentials, ...origin }, handshakeTimeout })
    this.#listen()
  }

  send(message: unknown): void {
    this.lastAt = performance.now()
    this.#socket.send(JSON.stringify(message))
  }

  /** Whether the condition came to hold before the time was up, or the socket was closed. */
  until(condition: () => boolean, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const look = () => {
        if (condition()) finish(true)
        else if (this.closedAt !== undefined) finish(false)
      }
      const finish = (holds: boolean) => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        resolve(holds)
      }
      const timer = setTimeout(() => finish(condition()), ms)
      this.#watchers.add(look)
      look()
    })
  }

  close(): void {
    this.#socket.terminate()
  }

  #listen(): void {
    const changed = () => {
      for (const look of [...this.#watchers]) look()
    }
    this.#socket.on('open', () => {
      this.isOpen = true
      this.lastAt = performance.now()
      changed()
    })
    this.#socket.on('message', (data) => {
      this.texts.push(String(data))
      this.lastAt = performance.now()
      changed()
    })
    this.#socket.on('ping', () => {
      this.pings += 1
      this.lastAt = performance.now()
      changed()
    })
    this.#socket.on('error', (error) => {
      this.error ??= reasonOf(error)
      changed()
    })
    this.#socket.on('close', () => {
      this.closedAt ??= performance.now()
      changed()
    })
    this.#socket.on('unexpected-response', (request, response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('close', () => {
        this.refusal = { status: response.statusCode ?? 0, headers: response.headers, body: parseJson(text) }
        this.closedAt ??= performance.now()
        request.destroy()
        changed()
      })
    })
  }
}
