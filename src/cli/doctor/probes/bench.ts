/** What the probes share: the road, a topic of their own, and the streams that several of them look at. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { HEADER, HEARTBEAT_MS } from '../../../../shared/src/protocol.ts'
import { type Middle, UNNAMED } from '../findings/middle.ts'
import type { RecordedStream } from '../road/recorded-stream.ts'
import type { Answer, Road } from '../road/road.ts'

/** What a token must allow: the topics of this program, and nothing else. */
export const RIGHTS = 'topic:doctor:*'
/** The server ends a stream after this long, so that a proxy that collects it hands it on. */
const BRIEF_MS = 2_000
/** Between the two quiet streams: whether they are cut at the same age or at the same moment tells why. */
export const STAGGER_MS = 800
/** A stream that has not begun by then is measured as it is. */
export const OPENING_MS = 1_000
/** How long anything may take that should take no time. */
export const PATIENCE_MS = 4_000

export interface Posted {
  readonly n: number
  readonly id: string
  readonly answeredAt: number
}

/** Something other than what a probe measures went wrong. */
export class Unmeasurable extends Error {
  override readonly name = 'Unmeasurable'
}

/** The server wants a credential, or one with more rights. */
export class MissingRight extends Error {
  override readonly name = 'MissingRight'
  readonly right: string

  constructor(right: string, message: string) {
    super(message)
    this.right = right
  }
}

export class Bench {
  readonly road: Road
  readonly isFull: boolean
  readonly topic = `doctor:${randomBytes(4).toString('hex')}`
  readonly channel = `topic:${this.topic}`
  /** What `reach` has found out. */
  middle: Middle = UNNAMED
  answerMs = 0
  readonly posted: Posted[] = []
  #main: RecordedStream | undefined
  #quiet: readonly [RecordedStream, Promise<RecordedStream>] | undefined

  constructor(road: Road, isFull: boolean) {
    this.road = road
    this.isFull = isFull
  }

  /** The stream that `head`, `first-byte` and `buffering` look at. The server ends it soon. */
  get main(): RecordedStream {
    this.#main ??= this.openBriefly()
    return this.#main
  }

  reopenMain(): void {
    this.#main?.close()
    this.#main = undefined
  }

  /** A stream that the server ends soon, but not before a few requests were answered. */
  openBriefly(): RecordedStream {
    return this.open({ timeout: String(this.briefMs / 1_000) })
  }

  get briefMs(): number {
    return BRIEF_MS + 8 * this.answerMs
  }

  /** Two streams on which nothing happens, the second one opened a little later. */
  get quiet(): readonly [RecordedStream, Promise<RecordedStream>] {
    const open = () => this.road.stream(`/sse?channels=${this.channel}:quiet`)
    this.#quiet ??= [open(), sleep(STAGGER_MS).then(open)]
    return this.#quiet
  }

  /** The interval of heartbeats, as `hello` tells it; the usual one if a quiet stream does not begin. */
  async heartbeatMs(): Promise<number> {
    const [stream] = this.quiet
    await stream.until(() => stream.event('hello') !== undefined, PATIENCE_MS)
    if (stream.error !== undefined && stream.head === undefined) throw stream.error
    const given = Number(stream.event('hello')?.data.heartbeatMs)
    return given > 0 ? given : HEARTBEAT_MS
  }

  /** A stream of the topic. */
  open(query: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string>> = {}): RecordedStream {
    return this.road.stream(`/sse?${new URLSearchParams({ channels: this.channel, ...query })}`, headers)
  }

  /** Posts an event on the topic. Throws MissingRight if that is refused for want of a right. */
  async post(): Promise<Posted> {
    const n = this.posted.length + 1
    const answer = await this.send(n, { [HEADER.idempotencyKey]: `${this.topic}-${n}` })
    if (answer.status !== 202) throw new Unmeasurable(`a POST of an event is answered ${answer.status}`)
    const posted = { n, id: String(answer.headers['event-id'] ?? ''), answeredAt: answer.answeredAt }
    this.posted.push(posted)
    return posted
  }

  /** The request of `post`, with headers; the answer may be any. Throws MissingRight likewise. */
  async send(n: number, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const body = { event: 'doctor.probe', data: { n } }
    const answer = await this.road.askAgain('POST', `/api/v1/topics/${this.topic}/events`, { headers, body })
    throwIfMissing(answer, `publish on ${RIGHTS}`, this.road.hasToken)
    return answer
  }

  /** When an event that was posted came; undefined: not before the time was up. */
  async arrivalOf(stream: RecordedStream, n: number, ms = PATIENCE_MS): Promise<number | undefined> {
    const event = () => stream.events.find(({ data }) => data.n === n)
    await stream.until(() => event() !== undefined, ms)
    return event()?.at
  }
}

interface Refusable {
  readonly status: number
  readonly headers: Answer['headers']
  readonly body: unknown
}

/** Throws MissingRight for a refusal of the server itself that other credentials would prevent. */
export function throwIfMissing(answer: Refusable, right: string, hasToken: boolean): void {
  const { code, detail } = problemOf(answer.body)
  if (code === undefined || hasLostToken(answer, hasToken)) return
  const isScope = answer.status === 403 && challengeOf(answer).includes('insufficient_scope')
  if (isScope || answer.status === 401) throw new MissingRight(right, detail)
}

/**
 * Whether a token was sent and has not arrived: the server says `error="invalid_token"` whenever there was one.
 * A proxy that removes the header of the answer cannot be told from a bad token.
 */
export function hasLostToken(answer: Refusable, hasToken: boolean): boolean {
  const challenge = challengeOf(answer)
  return answer.status === 401 && hasToken && challenge.includes('boardcast') && !challenge.includes('error=')
}

function challengeOf({ headers }: Refusable): string {
  return headers['www-authenticate'] ?? ''
}

export function problemOf(body: unknown): { readonly code: string | undefined; readonly detail: string } {
  const { code, detail } = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>
  return { code: typeof code === 'string' ? code : undefined, detail: typeof detail === 'string' ? detail : '' }
}
