/**
 * The events of some channels from a cursor on: each one once and in order, however often the connection is cut, wherever,
 * and whenever the server restarts.
 *
 *   open    the stream has begun
 *   event   an event of the log, or a heartbeat of an agent; no control frame and no snapshot
 *   invalid a frame that is not an event
 *   gap     events are lost
 *   reached everything up to this id has been yielded
 *
 * An event with several names is several items; the last is `isComplete`. Whoever iterates sets the pace: nothing is read
 * while nobody asks for the next item.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { EVERYONE, HEARTBEAT_MS } from '../../../shared/src/protocol.ts'
import { jsonLine, parseJson } from '../../text/json-line.ts'
import type { Api } from '../api/api.ts'
import { describeRefusal, describeUnreachable, NotTheApi, Refused, Unreachable } from '../api/api-errors.ts'
import { backOffMs, isBusy, isNobody, reasonOf } from '../api/retry.ts'
import { type Envelope, includes, inOrder, isControl, isEnvelope, isEphemeral, isSnapshot } from './envelope.ts'
import { faultOf } from './frame-schema.ts'
import { openSse } from './sse.ts'
import { type Frame, type OpenStream, StreamRefused, type TransportName } from './transport.ts'

export interface EventSourceOptions {
  readonly channels: readonly string[]
  /** A cursor, `now` or `earliest`. */
  readonly since: string
  /** As the `types` parameter takes them. Default: every event. */
  readonly types?: readonly string[]
  readonly transport?: TransportName
  /** Ends the iteration without an error. */
  readonly signal: AbortSignal
  /** While no server has been reached: how long to go on trying, in milliseconds. Default 0. */
  readonly waitServer?: number | undefined
  /** The stream is lost, and an attempt to get it back has failed. */
  readonly onLost?: (reason: string) => void
  readonly onFound?: () => void
  /** Called for every frame as it comes, control frames and repeated ones too, before what is made of it is yielded. */
  readonly onFrame?: (frame: Frame) => void
}

const gapNotice = z.object({ requested: z.string(), oldest: z.string(), reason: z.string() })
export type GapNotice = z.infer<typeof gapNotice>

export interface EventItem {
  readonly kind: 'event'
  readonly envelope: Envelope
  /** The envelope as JSON, on one line. */
  readonly text: string
  /** The frame as it came. */
  readonly raw: string
  /** Why it breaks its schema. */
  readonly fault: string | undefined
  readonly isComplete: boolean
}

export type StreamItem =
  | { readonly kind: 'open'; readonly cursor: string }
  | EventItem
  | { readonly kind: 'invalid'; readonly raw: string }
  | { readonly kind: 'gap'; readonly notice: GapNotice }
  | { readonly kind: 'reached'; readonly id: string }

const CONNECT_MS = 30_000
/** The server sends a heartbeat every 15 s; a stream without a byte for 2.5 intervals is dead. */
const SILENT_HEARTBEATS = 2.5
/** A stream that lasted this long was no failure. */
const STEADY_MS = 5_000

export class EventSource {
  readonly #api: Api
  readonly #options: EventSourceOptions
  readonly #createdAt = performance.now()
  /** Everything up to here has been taken by whoever iterates. */
  #cursor: string | undefined
  /** The names of an incomplete event that were yielded. */
  #partial: { id: string; names: Set<string> } | undefined
  /** Where a stream that has not begun, or has lost its place, begins. */
  #since: string
  #serverDelayMs = 0
  #heartbeatMs = HEARTBEAT_MS
  #hasOpened = false
  #wasOpen = false
  #hasLostPlace = false
  #isLost = false
  #watchers: Array<() => void> = []

  constructor(api: Api, options: EventSourceOptions) {
    this.#api = api
    this.#options = options
    this.#since = options.since
  }

  /** Everything up to this id has been taken; undefined before the stream has begun. */
  get cursor(): string | undefined {
    return this.#cursor
  }

  /** The connection is lost, and the last attempt to get it back has failed. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** Resolves with the next change of `cursor`. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve))
  }

  /** Throws a CommandError if the server refuses the stream, or if there is none when the command begins. */
  async *items(): AsyncGenerator<StreamItem, void, undefined> {
    const { signal } = this.#options
    let failures = 0
    while (!signal.aborted) {
      const openedAt = performance.now()
      let reason = 'the stream ended'
      let minimumMs = 0
      this.#serverDelayMs = 0
      this.#hasOpened = this.#hasLostPlace = false
      try {
        for await (const item of this.#connection()) {
          yield item
          if (item.kind === 'event' || item.kind === 'reached') failures = 0
        }
      } catch (error) {
        if (signal.aborted) return
        reason = error instanceof StreamRefused ? error.message : reasonOf(error)
        minimumMs = this.#throwUnlessPassing(error)
      }
      if (signal.aborted) return
      if (!this.#hasOpened) this.#lost(reason)
      if (performance.now() - openedAt > STEADY_MS) failures = 0
      const delayMs = Math.max(backOffMs(failures), minimumMs, this.#serverDelayMs)
      failures += 1
      await sleep(delayMs, undefined, { signal }).catch(() => {}) // aborted: the loop ends
    }
  }

  #lost(reason: string): void {
    this.#isLost = true
    if (this.#api.wasReached) this.#options.onLost?.(reason)
  }

  /** One connection, until it ends, breaks off, or has lost its place. */
  async *#connection(): AsyncGenerator<StreamItem, void, undefined> {
    const { channels, types = [], transport = 'sse', signal } = this.#options
    const open: OpenStream = transport === 'ws' ? (await import('./ws.ts')).openWs : openSse
    const connection = new AbortController()
    const abort = () => connection.abort()
    const timeOut = () => connection.abort(new Error('no answer in time'))
    signal.addEventListener('abort', abort, { once: true })
    let silence = setTimeout(timeOut, CONNECT_MS)
    try {
      const since = this.#cursor ?? this.#since
      const used = this.#api.credentials()
      const stream = open(this.#api, { channels, types, since }, connection.signal)
      for (;;) {
        const next = await readOrRenew(
          () => stream.next(),
          () => this.#api.renewed(used),
        )
        clearTimeout(silence)
        // With other credentials it is another attempt, not a failed one.
        if (next === undefined) this.#hasOpened = true
        if (next === undefined || next.done === true) return
        this.#api.reached()
        for (const frame of next.value) {
          yield* this.#take(frame)
          // What follows a gap on this connection begins elsewhere.
          if (this.#hasLostPlace) return
        }
        silence = setTimeout(timeOut, this.#heartbeatMs * SILENT_HEARTBEATS)
      }
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', abort)
      connection.abort()
    }
  }

  *#take(frame: Frame): Generator<StreamItem> {
    this.#options.onFrame?.(frame)
    if (frame.isNoEvent) return
    const envelope = parseJson(frame.text)
    if (!isEnvelope(envelope)) {
      yield { kind: 'invalid', raw: frame.raw }
    } else if (isControl(envelope.event)) {
      yield* this.#control(envelope)
      if (envelope.event !== 'heartbeat') return
    } else if (!isSnapshot(envelope.event) && !this.#isRepeated(envelope)) {
      const isComplete = frame.checkpoint !== undefined || isEphemeral(envelope.event)
      if (!this.#isCopy(envelope)) yield itemOf(frame, envelope, isComplete)
      if (!isComplete) this.#addPartial(envelope)
    }
    const { checkpoint } = frame
    if (checkpoint === undefined || includes(this.#cursor, checkpoint)) return
    this.#moveTo(checkpoint)
    this.#partial = undefined
    yield { kind: 'reached', id: checkpoint }
  }

  #moveTo(cursor: string | undefined): void {
    this.#cursor = cursor
    const watchers = this.#watchers
    this.#watchers = []
    for (const changed of watchers) changed()
  }

  *#control({ event, data, id }: Envelope): Generator<StreamItem> {
    const fields = data as Readonly<Record<string, unknown>>
    if (event === 'hello') {
      const heartbeatMs = Number(fields.heartbeatMs)
      if (heartbeatMs > 0) this.#heartbeatMs = heartbeatMs
      this.#hasOpened = this.#wasOpen = true
      if (this.#isLost) this.#options.onFound?.()
      this.#isLost = false
      // The hello of a stream that was not resumed has an id too. It is behind the gap, which has not come yet.
      if (fields.resumed !== true) return
      if (this.#cursor === undefined) this.#moveTo(id)
      yield { kind: 'open', cursor: id }
    } else if (event === 'gap') {
      const notice = gapNotice.safeParse(data).data ?? { requested: this.#since, oldest: id, reason: 'unknown' }
      // What the log still holds comes from there. Another log is continued where this connection would.
      const isTrimmed = notice.reason === 'trimmed' || notice.reason === 'slow'
      this.#since = isTrimmed ? notice.oldest : id
      this.#partial = undefined
      this.#hasLostPlace = true
      this.#moveTo(undefined)
      yield { kind: 'gap', notice }
    } else if (event === 'draining' || event === 'overloaded') {
      this.#serverDelayMs = Number(fields.retryMs) || 0
    }
  }

  /** It came before the connection was cut. */
  #isRepeated({ id, event }: Envelope): boolean {
    if (isEphemeral(event)) return false
    return includes(this.#cursor, id) || (this.#partial?.id === id && this.#partial.names.has(event))
  }

  /** On `global` an event to everyone comes under both of its names; its domain name is enough. */
  #isCopy({ channel }: Envelope): boolean {
    return channel === EVERYONE && this.#options.channels.some((name) => name === 'global' || name === EVERYONE)
  }

  #addPartial({ id, event }: Envelope): void {
    if (this.#partial?.id !== id) this.#partial = { id, names: new Set() }
    this.#partial.names.add(event)
  }

  /** Returns the least wait before the next attempt; throws if another attempt would not help. */
  #throwUnlessPassing(error: unknown): number {
    const { baseUrl, wasReached } = this.#api
    if (error instanceof StreamRefused) {
      const { status, body, retryAfterMs } = error
      this.#api.reached()
      if (isBusy(status)) return retryAfterMs
      const asked = { method: 'GET', path: '/sse', baseUrl, hasToken: 'Authorization' in this.#api.credentials() }
      // Something in front of the server may answer in its place while it restarts.
      if (status === 0 && this.#wasOpen) return 0
      if (status === 0) throw new NotTheApi(`${baseUrl} answered ${error.message}. Check --url and BOARDCAST_URL.`)
      if (status >= 500 && this.#wasOpen) return 0
      throw new Refused(status, codeIn(body), describeRefusal({ status, body, otherThanJson: undefined }, asked), body)
    }
    if (!wasReached && isNobody(error)) {
      const isTimeUp = performance.now() - this.#createdAt >= (this.#options.waitServer ?? 0)
      if (isTimeUp) throw new Unreachable(describeUnreachable(baseUrl, reasonOf(error)))
    }
    return 0
  }
}

function codeIn(body: unknown): string | undefined {
  const code: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'code') : undefined
  return typeof code === 'string' ? code : undefined
}

/** Undefined after a refusal of credentials that have been replaced since. */
async function readOrRenew<T>(read: () => Promise<T>, renewed: () => boolean): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof StreamRefused && error.status === 401 && renewed()) return undefined
    throw error
  }
}

function itemOf({ text, raw }: Frame, envelope: Envelope, isComplete: boolean): StreamItem {
  const isMessage = 'type' in envelope
  const shown = isMessage ? inOrder(envelope) : envelope
  return {
    kind: 'event',
    envelope: shown,
    text: isMessage ? jsonLine(shown) : text,
    raw,
    fault: faultOf(envelope),
    isComplete,
  }
}
