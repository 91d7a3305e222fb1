/**
 * The one stream of this tab, through every failure.
 *
 *            want                hello               end, silence
 *   idle ----------> opening ------------> open ------------------+
 *                     ^   |                                       |
 *                     |   +------ end, no hello in time ----------+--> waiting --(delay)--> opening
 *                     |                                           |
 *                     +---- reconnect, want ----------------------+--> stopped
 *
 * `away` (the page is frozen or in the back-forward cache) lasts until the page is used again. When the set of channels
 * grows, a new request starts from the cursor: the channels that it had go on there, and new ones begin there.
 *
 * An open stream whose credentials are about to expire is replaced by another (attempts.ts): the phase stays `open`.
 */
import { type FullBackoff, RetrySchedule } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { BoardcastError } from '../base/errors.ts'
import type { Auth } from '../base/options.ts'
import { isOffline, watchPage } from '../base/page-lifecycle.ts'
import { keepStatus, type StatusKeeper, stopOf } from '../base/status.ts'
import type { Status, Store, StreamListener, StreamSource } from '../base/types.ts'
import { Attempts } from './attempts.ts'
import type { ConnectionAttempt } from './connection-attempt.ts'
import type { Refusal } from './probe.ts'
import { Receiver } from './receiver.ts'
import { type StreamEnd, stopReason, type Transport } from './transport.ts'
import { isTemporary, type Verdict, verdictOn } from './verdict.ts'
import { WantedChannels } from './wanted-channels.ts'

/** An open stream resets the failures only after this long, or a server that accepts and drops would be flooded. */
const HEALTHY_MS = 60_000

export interface ConnectionOptions {
  readonly baseUrl: string
  readonly transport: Transport
  readonly auth: Auth | undefined
  /** For tickets. */
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  readonly backoff: FullBackoff
  readonly heartbeatTimeoutMs: number | undefined
  readonly listener: StreamListener
  /** Where to resume, if another tab has listened before. */
  readonly cursor?: string | null
  /** The status with which the server would answer a stream of these channels. */
  probe(channels: readonly string[]): Promise<StreamEnd>
}

type State =
  | { readonly name: 'idle' | 'stopped' | 'away' | 'closed' }
  | { readonly name: 'waiting'; readonly timer: unknown }
  /** There is an attempt. `refused`: the server refused it, and it is being asked why, or for which channels. */
  | { readonly name: 'opening' | 'open' | 'refused' }

export class Connection implements StreamSource {
  readonly #options: ConnectionOptions
  readonly #clock: Clock
  readonly #status: StatusKeeper
  readonly #receiver: Receiver
  readonly #schedule: RetrySchedule
  readonly #wanted = new WantedChannels()
  readonly #attempts: Attempts
  readonly #unwatch: () => void
  #state: State = { name: 'idle' }
  /** The last attempt was answered with 401. */
  #wasRefused = false
  #names: ReadonlySet<string> = new Set()
  #update: unknown
  #healthTimer: unknown

  constructor(options: ConnectionOptions) {
    const { baseUrl, transport, auth, fetch, clock } = options
    this.#options = options
    this.#clock = clock
    this.#status = keepStatus(this.#clock)
    this.#schedule = new RetrySchedule(options.backoff)
    this.#receiver = new Receiver(options.cursor ?? null, {
      clock: this.#clock,
      status: this.#status,
      listener: options.listener,
      opened: () => this.#opened(),
      boardDeleted: (boardId) => this.#boardDeleted(boardId),
      expiring: (frame) => this.#attempts.expiring(frame),
    })
    this.#attempts = new Attempts({
      transport,
      auth,
      fetch,
      clock,
      receiver: this.#receiver,
      request: () => ({ baseUrl, cursor: this.cursor, names: this.#names }),
      timeoutMs: () => this.#timeoutMs(),
      ended: (attempt, end, isReplaced) => {
        if (isReplaced) this.#state = { name: 'opening' }
        else this.#ended(attempt, end)
      },
      timedOut: (hasCredentials) => {
        // Silence does not mean that the server is in trouble: a stream that was open is opened again at once.
        if (this.#state.name === 'open') this.#receiver.serverDelayMs = 0
        const what = hasCredentials ? 'no frame came' : 'auth returned nothing'
        this.#lost({ detail: `${what} within ${this.#timeoutMs()} ms` })
      },
    })
    this.#unwatch = watchPage({
      woke: () => this.#woke(),
      left: () => this.#left(),
      returned: () => (this.#state.name === 'away' ? this.#open() : this.#woke()),
    })
  }

  get status(): Store<Status> {
    return this.#status.store
  }

  get cursor(): string | null {
    return this.#receiver.cursor
  }

  want(channels: ReadonlySet<string>, names: ReadonlySet<string>): void {
    this.#wanted.set(channels)
    this.#names = names
    // All calls of one task become one request.
    this.#update ??= this.#clock.setTimeout(() => this.#applyWanted(), 0)
  }

  reconnect(): void {
    if (this.#state.name === 'closed') return
    this.#schedule.failures = 0
    this.#wasRefused = false
    this.#wanted.forgetRefusals()
    this.#open()
  }

  close(): void {
    if (this.#state.name === 'closed') return
    this.#abandon()
    this.#clock.clearTimeout(this.#update)
    this.#unwatch()
    this.#state = { name: 'closed' }
    this.#status.set({ phase: 'stopped', stop: { reason: 'closed' }, nextRetryAt: null })
    this.#status.close()
  }

  /** Refuses the channels beyond the limit of a stream, so that the others go on. */
  #withinLimit(): string[] {
    this.#refuse(this.#wanted.beyondLimit(this.#attempts.current?.channels ?? []))
    return this.#wanted.requestable()
  }

  /** Opens a new stream if channels are missing, but not if there are too many. */
  #applyWanted(): void {
    this.#update = undefined
    if (this.#wanted.isEmpty) {
      this.#rest()
      return
    }
    const channels = this.#withinLimit()
    if (channels.length === 0) return
    const { name } = this.#state
    if (name === 'idle' || name === 'stopped') this.#open()
    else if (name === 'opening' || name === 'open') {
      this.#attempts.listenFor(this.#names)
      const held = this.#attempts.current?.channels ?? []
      if (channels.some((channel) => !held.includes(channel))) this.#open()
    }
  }

  /** Nothing is wanted. The next subscription begins from scratch: events in between are not delivered. */
  #rest(): void {
    this.#abandon()
    if (this.cursor !== null) this.#options.listener.covered(new Set(), this.cursor)
    this.#receiver.cursor = null
    this.#schedule.failures = 0
    this.#status.set({ phase: 'idle', attempt: 0, nextRetryAt: null, stop: undefined })
  }

  #open(auth = this.#options.auth): void {
    const channels = this.#withinLimit()
    this.#abandon()
    if (channels.length === 0) {
      this.#stopOrRest()
      return
    }
    this.#receiver.serverDelayMs = undefined
    this.#receiver.lastFrameAt = this.#clock.now()
    this.#state = { name: 'opening' }
    this.#attempts.open(channels, auth)
    const { phase } = this.#status.now()
    this.#status.set({
      // A stream that is replaced only for its channels is still open to readers.
      phase: phase === 'open' ? phase : this.cursor === null ? 'connecting' : 'reconnecting',
      attempt: this.#schedule.failures,
      nextRetryAt: null,
      transport: this.#options.transport.name,
      stop: undefined,
    })
  }

  /** Leaves the current state, whatever it is doing. */
  #abandon(): void {
    this.#clock.clearTimeout(this.#healthTimer)
    if (this.#state.name === 'waiting') this.#clock.clearTimeout(this.#state.timer)
    this.#attempts.close()
    this.#state = { name: 'idle' }
  }

  #timeoutMs(): number {
    return this.#receiver.timeoutMs(this.#options.heartbeatTimeoutMs)
  }

  #opened(): Pick<ConnectionAttempt, 'channels' | 'cursor'> {
    const { current } = this.#attempts
    if (!current) return { channels: [], cursor: this.cursor }
    this.#wasRefused = false
    if (this.#state.name === 'opening') {
      this.#state = { name: 'open' }
      this.#clock.clearTimeout(this.#healthTimer)
      this.#healthTimer = this.#clock.setTimeout(() => {
        this.#schedule.failures = 0
        this.#status.set({ attempt: 0 })
      }, HEALTHY_MS)
      this.#status.set({ phase: 'open', detail: undefined })
    }
    current.timeoutChanged()
    return current
  }

  /** The server would refuse the channels of a deleted board. */
  #boardDeleted(boardId: string): void {
    const error = new BoardcastError('refused', `board ${boardId} was deleted`, { status: 404 })
    const channels = [`board:${boardId}`, `project:${boardId}`].filter((channel) => this.#wanted.has(channel))
    this.#refuse(channels.map((channel) => [channel, error]))
  }

  #refuse(refusals: readonly Refusal[]): void {
    for (const [channel, error] of refusals) {
      this.#wanted.refuse(channel, error)
      this.#options.listener.refused([channel], error)
    }
  }

  #ended(attempt: ConnectionAttempt, given: StreamEnd): void {
    // An open stream that ends has not been refused, whatever the transport makes of it.
    const end = this.#state.name === 'open' ? { ...given, isRefusal: false } : given
    if (isTemporary(end)) {
      this.#lost(end)
      return
    }
    const { auth, clock, probe } = this.#options
    this.#state = { name: 'refused' }
    void verdictOn(attempt, end, { auth, clock, wasRefused: this.#wasRefused, probe }).then((verdict) => {
      if (this.#attempts.current === attempt) this.#act(verdict)
    })
  }

  #act(verdict: Verdict): void {
    switch (verdict.kind) {
      case 'lost':
        this.#lost(verdict.end)
        break
      case 'stopped':
        this.#stop(verdict.end)
        break
      case 'again':
        this.#wasRefused = true
        this.#open(() => verdict.credentials)
        break
      case 'without':
        this.#refuse(verdict.refusals)
        this.#open()
        break
      default:
        verdict satisfies never
    }
  }

  /** No wanted channel can be had. */
  #stopOrRest(): void {
    const error = this.#wanted.refusal
    if (error) this.#stop({ ...(error.status && { status: error.status }), detail: error.message })
    else this.#rest()
  }

  #stop({ status, detail }: StreamEnd): void {
    this.#abandon()
    this.#state = { name: 'stopped' }
    this.#wasRefused = false
    const reason = stopReason(status ?? 0) ?? 'refused'
    this.#status.set({ phase: 'stopped', nextRetryAt: null, stop: stopOf(reason, status, detail) })
  }

  #lost({ status, detail, retryAfterMs: minimumMs = 0, isCleanEnd = false }: StreamEnd): void {
    const hasOpened = this.#state.name === 'open'
    this.#abandon()
    if (this.#wanted.requestable().length === 0) {
      this.#stopOrRest()
      return
    }
    const { serverDelayMs, retryMs } = this.#receiver
    const result = { hasOpened, isCleanEnd, serverDelayMs, retryMs, minimumMs }
    const { inMs, isResting } = this.#schedule.ended(result, this.#clock.now())
    this.#state = { name: 'waiting', timer: this.#clock.setTimeout(() => this.#open(), inMs) }
    this.#status.set({
      phase: isResting ? 'stopped' : isOffline() ? 'offline' : 'reconnecting',
      attempt: this.#schedule.failures,
      nextRetryAt: this.#clock.now() + inMs,
      detail,
      ...(isResting && { stop: stopOf('unreachable', status, detail) }),
    })
  }

  #woke(): void {
    if (this.#state.name === 'waiting') this.#open()
    else if (this.#state.name === 'open') {
      const ageMs = this.#clock.now() - this.#receiver.lastFrameAt
      if (ageMs > Math.min(this.#receiver.lateMs, this.#timeoutMs())) this.#open()
    }
  }

  #left(): void {
    if (this.#state.name !== 'waiting' && !this.#attempts.current) return
    this.#abandon()
    this.#state = { name: 'away' }
    this.#status.set({ phase: 'reconnecting', nextRetryAt: null })
  }
}
