/**
 * HTTP as it is on the wire: every header as it came, and no redirects, decompression or retries behind the caller's back.
 * Streams are recorded with the times at which their bytes arrived.
 */
import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseJson } from '../../../text/json-line.ts'
import { socketPathOf } from '../../api/fetch.ts'
import { backOffMs, isBusy, isNobody, retryAfterMs } from '../../api/retry.ts'
import { RecordedStream } from './recorded-stream.ts'

/** An answer that takes longer is none. */
const ANSWER_MS = 5_000
/** A fault that passes is tried again for this long. */
const RETRY_MS = 3_000
const MAX_BODY_CHARACTERS = 65_536

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** undefined: it is not JSON. */
  readonly body: unknown
  readonly askedAt: number
  /** When all of it was there. */
  readonly answeredAt: number
}

export interface Question {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
}

export interface RoadOptions {
  readonly credentials: () => Readonly<Record<string, string>>
  /** Ends what waits. */
  readonly signal: AbortSignal
  /** How long a server that was not reached yet may take to start. */
  readonly waitServerMs?: number
}

export class Road {
  readonly baseUrl: string
  readonly #credentials: () => Readonly<Record<string, string>>
  readonly #signal: AbortSignal
  readonly #agent: HttpAgent
  readonly #streams = new Set<RecordedStream>()
  readonly #waitServerMs: number
  #wasReached = false

  constructor(baseUrl: string, { credentials, signal, waitServerMs = 0 }: RoadOptions) {
    this.baseUrl = baseUrl
    this.#credentials = credentials
    this.#signal = signal
    this.#waitServerMs = waitServerMs
    const Agent = baseUrl.startsWith('https:') ? HttpsAgent : HttpAgent
    this.#agent = new Agent({ keepAlive: true })
  }

  get hasToken(): boolean {
    return 'Authorization' in this.#credentials()
  }

  /** The credentials, for connections that are not made here. */
  get credentials(): Readonly<Record<string, string>> {
    return this.#credentials()
  }

  /** One request. Rejects with the error of the system if there is no answer. */
  async ask(method: string, path: string, question: Question = {}): Promise<Answer> {
    const askedAt = performance.now()
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = this.#request(method, path, { Accept: 'application/json', ...question.headers }, question)
      request.setTimeout(ANSWER_MS, () =>
        request.destroy(Object.assign(new Error(`no answer within ${ANSWER_MS / 1_000} s`), { code: 'ETIMEDOUT' })),
      )
      request.once('response', resolve)
      request.on('error', reject)
    })
    this.#wasReached = true
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk
      if (text.length > MAX_BODY_CHARACTERS) break
    }
    const { statusCode: status = 0, headers } = response
    return { status, headers, text, body: parseJson(text), askedAt, answeredAt: performance.now() }
  }

  /** As `ask`, but a fault that passes is tried again. A body needs an `Idempotency-Key`. */
  async askAgain(method: string, path: string, question: Question = {}): Promise<Answer> {
    const startedAt = performance.now()
    for (let tries = 0; ; tries += 1) {
      let delayMs = backOffMs(tries)
      const isTimeUp = (limitMs: number) =>
        performance.now() + delayMs - startedAt > Math.max(limitMs, this.#waitServerMs)
      try {
        const answer = await this.ask(method, path, question)
        delayMs = Math.max(delayMs, retryAfterMs(answer.headers['retry-after']))
        if (!isBusy(answer.status) || isTimeUp(RETRY_MS)) return answer
      } catch (error) {
        // A server that was never reached is not there, unless it is being started.
        const isAbsent = isNobody(error) && !this.#wasReached
        if (this.#signal.aborted || isTimeUp(isAbsent ? 0 : RETRY_MS)) throw error
      }
      await sleep(delayMs, undefined, { signal: this.#signal })
    }
  }

  /** A stream, from its request to its end. */
  stream(path: string, headers: Readonly<Record<string, string>> = {}): RecordedStream {
    // On a connection of its own: one that was idle may be closed by the proxy just now.
    const own = { Connection: 'keep-alive', Accept: 'text/event-stream', 'Accept-Encoding': 'identity' }
    const request = this.#request('GET', path, { ...own, ...headers }, { agent: false })
    const stream = new RecordedStream(request)
    this.#streams.add(stream)
    return stream
  }

  close(): void {
    for (const stream of this.#streams) stream.close()
    this.#agent.destroy()
  }

  #request(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    { body, agent = this.#agent }: { readonly body?: unknown; readonly agent?: HttpAgent | false },
  ): ClientRequest {
    const socketPath = socketPathOf(this.baseUrl)
    const json = body === undefined ? undefined : JSON.stringify(body)
    const options = {
      method,
      agent,
      headers: {
        ...(json !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) }),
        ...this.#credentials(),
        ...headers,
      },
    }
    const request =
      socketPath !== undefined
        ? requestHttp({ ...options, socketPath, path, headers: { Host: 'localhost', ...options.headers } })
        : (this.baseUrl.startsWith('https:') ? requestHttps : requestHttp)(this.baseUrl + path, options)
    // Events must not wait for each other.
    request.setNoDelay(true)
    request.end(json)
    return request
  }
}
