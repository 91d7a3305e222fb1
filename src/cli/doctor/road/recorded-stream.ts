/** A stream of events with the times at which everything arrived. */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { parseJson } from '../../../text/json-line.ts'
import { reasonOf } from '../../api/retry.ts'

export interface Head {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly at: number
}

export interface ReceivedEvent {
  readonly event: string
  /** Of a channel stream; others have none. */
  readonly channel: string | undefined
  /** The payload. */
  readonly data: Readonly<Record<string, unknown>>
  readonly id: string | undefined
  readonly at: number
}

export interface StreamEnd {
  /** Whether the body came to its proper end. */
  readonly isProper: boolean
  readonly reason: string
  readonly at: number
}

const MAX_REFUSAL_CHARACTERS = 65_536

export class RecordedStream {
  readonly askedAt = performance.now()
  readonly events: ReceivedEvent[] = []
  #head: Head | undefined
  #firstByteAt: number | undefined
  #lastByteAt: number | undefined
  #end: StreamEnd | undefined
  #error: Error | undefined
  #undecodable: string | undefined
  #refusal = ''
  #isClosed = false
  readonly #request: ClientRequest
  readonly #watchers = new Set<() => void>()

  constructor(request: ClientRequest) {
    this.#request = request
    request.once('response', (response) => this.#take(response))
    request.on('error', (error) => {
      this.#error = error
      this.#ended(false, reasonOf(error))
    })
  }

  get head(): Head | undefined {
    return this.#head
  }

  get firstByteAt(): number | undefined {
    return this.#firstByteAt
  }

  get lastByteAt(): number | undefined {
    return this.#lastByteAt
  }

  /** undefined: it is open, or was closed from here. */
  get end(): StreamEnd | undefined {
    return this.#end
  }

  /** Why there is no answer. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Why the body cannot be decompressed. */
  get undecodable(): string | undefined {
    return this.#undecodable
  }

  /** The body of an answer that is not a stream. */
  get refusal(): unknown {
    return parseJson(this.#refusal)
  }

  get isStream(): boolean {
    return this.#head?.status === 200 && isEventStream(this.#head.headers)
  }

  /** The first event of this name. */
  event(name: string): ReceivedEvent | undefined {
    return this.events.find(({ event }) => event === name)
  }

  /** Whether the condition came to hold before the time was up, or the stream ended. */
  until(condition: () => boolean, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const look = () => {
        const holds = condition()
        if (!holds && this.#end === undefined && !this.#isClosed) return
        finish(holds)
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
    this.#isClosed = true
    this.#request.destroy()
    this.#changed()
  }

  #take(response: IncomingMessage): void {
    const { statusCode: status = 0, headers } = response
    this.#head = { status, headers, at: performance.now() }
    this.#changed()
    response.on('data', () => {
      this.#firstByteAt ??= performance.now()
      this.#lastByteAt = performance.now()
    })
    const isStream = this.isStream
    const parser = createParser({ onEvent: (message) => this.events.push(eventOf(message)) })
    const text = new TextDecoder()
    const read = (chunk: Buffer) => {
      const part = text.decode(chunk, { stream: true })
      if (isStream) parser.feed(part)
      else if (this.#refusal.length < MAX_REFUSAL_CHARACTERS) this.#refusal += part
      this.#changed()
    }
    const decoder = decoderOf(headers['content-encoding'])
    decoder?.on('data', read)
    decoder?.on('error', (error) => {
      this.#undecodable ??= error.message
      this.#changed()
    })
    response.on('data', (chunk: Buffer) => (decoder === undefined ? read(chunk) : decoder.write(chunk)))
    response.once('end', () => {
      if (decoder === undefined || decoder.destroyed) return this.#ended(true, 'the stream ended')
      // What it still holds comes first.
      decoder.once('close', () => this.#ended(true, 'the stream ended'))
      decoder.end()
    })
    response.on('error', (error) => this.#ended(false, reasonOf(error)))
    response.once('close', () => this.#ended(false, 'the connection was closed'))
  }

  #ended(isProper: boolean, reason: string): void {
    if (this.#end !== undefined || this.#isClosed) return
    if (!isProper || this.#head !== undefined) this.#end = { isProper, reason, at: performance.now() }
    this.#changed()
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look()
  }
}

function isEventStream(headers: IncomingHttpHeaders): boolean {
  return /^text\/event-stream\s*(;|$)/i.test(headers['content-type'] ?? '')
}

function eventOf({ event = 'message', data, id }: EventSourceMessage): ReceivedEvent {
  const { channel, data: payload } = fieldsOf(parseJson(data))
  return {
    event,
    channel: typeof channel === 'string' ? channel : undefined,
    data: fieldsOf(payload),
    id,
    at: performance.now(),
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

/** undefined: the body is not compressed, or in a way that nobody asked for and that is not known here. */
function decoderOf(encoding: string | undefined): Transform | undefined {
  const flush = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
  switch (encoding?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(flush)
    case 'deflate':
      return createInflate(flush)
    case 'br':
      return createBrotliDecompress({
        flush: constants.BROTLI_OPERATION_FLUSH,
        finishFlush: constants.BROTLI_OPERATION_FLUSH,
      })
    default:
      return undefined
  }
}
