/**
 * How a store gets its value and keeps it current: subscribe, read it once, apply the events after that.
 *
 *   subscribe ---> ready at R ---> GET, answered at K >= R ---> apply every event after K
 *                     |   events since R are queued   |
 *                     +-------------------------------+
 *
 * If the answer has a cursor (boards do), this is exact. If not, events between R and K are applied although the answer
 * includes them: `apply` must then give the same result, which it does where the newest event about a thing decides. After
 * a `gap` everything starts again, and the old value is shown as `stale` meanwhile.
 */
import { BoardcastError, errorOf } from '../base/errors.ts'
import { compareIds } from '../base/frames.ts'
import type { Frame, HubCore, Status } from '../base/types.ts'
import { type Loaded, Reading } from './reading.ts'
import {
  currentValue,
  type Input,
  isOpen,
  phaseOf,
  type ResourcePhase,
  type Standing,
  type State,
  stopErrorOf,
  TRANSITIONS,
} from './resource-state.ts'
import type { OpenedStore } from './store-set.ts'

/** Results of `apply`: the value must be read again soon, or the resource was deleted. */
export const RELOAD = Symbol('reload')
export const DELETED = Symbol('deleted')

export interface Definition<Value, Shown> {
  readonly channels: readonly string[]
  readonly types?: readonly string[]
  /** Events up to the cursor have come or will be in the answer; those after it will come. */
  load(cursor: string): Promise<Loaded<Value>>
  /** The value after an event. May change and return `value` itself. */
  apply(value: Value, frame: Frame): Value | typeof RELOAD | typeof DELETED
  /** What readers see. `value` is null while there is none; it includes every event up to the cursor. */
  show(value: Value | null, standing: Standing, cursor: string): Shown
  /** Clients choose the id, so a resource that does not exist may be created later: keep listening for it. */
  readonly mayAppear?: boolean
  /** For resources that may be deleted without an event on their channels. Rejects with 404 if it was. */
  check?(): Promise<unknown>
}

export class Resource<Value, Shown> implements OpenedStore<Shown> {
  readonly #hub: HubCore
  readonly #definition: Definition<Value, Shown>
  readonly #changed: () => void
  readonly #reading: Reading<Value>
  readonly #unwatch: () => void
  /** A stop from before this store was opened does not concern it. */
  readonly #oldStop: Status['stop']
  #status: Status
  #state: State<Value> = { name: 'loading', stale: null }
  #phase: ResourcePhase = 'loading'
  /** Every event up to here has come. */
  #streamCursor = ''
  /** The value includes every event up to here. */
  #valueCursor = ''
  /** Undefined if there is no subscription: it was refused, or the resource is gone. */
  #unsubscribe: (() => void) | undefined
  #isRevisiting = false
  /** The id is malformed, so it is never asked for again. */
  #isInvalid = false
  /** How often the stream was refused although the resource could be read. */
  #contradictions = 0
  #isClosed = false

  constructor(hub: HubCore, definition: Definition<Value, Shown>, changed: () => void) {
    this.#hub = hub
    this.#definition = definition
    this.#changed = changed
    this.#reading = new Reading({
      clock: hub.clock,
      what: definition.channels.join(),
      cursor: () => this.#streamCursor,
      load: (cursor) => definition.load(cursor),
      onLoaded: (loaded, queued) => this.#loaded(loaded, queued),
      onFailed: (reason) => this.#fail(reason),
    })
    this.#status = hub.status.get()
    this.#oldStop = this.#status.stop
    this.#unwatch = hub.status.subscribe(() => this.#statusChanged())
    this.#subscribe()
  }

  readonly get = (): Shown => {
    const state = this.#state
    const error = 'error' in state ? state.error : this.#stopError()
    return this.#definition.show(this.value, { phase: this.#phase, error }, this.#valueCursor)
  }

  /** Null while there is none. */
  get value(): Value | null {
    return currentValue(this.#state)
  }

  readerJoined(): void {
    if (this.#state.name === 'gone') this.revisit()
  }

  /** There is reason to think that it exists or can be read now. */
  revisit(): void {
    this.#handle('asked')
  }

  /** Something else shows that it was deleted. */
  deleted(): void {
    if (!this.#isClosed) this.#leave(new BoardcastError('refused', 'It was deleted.', { status: 404 }))
  }

  close(): void {
    this.#isClosed = true
    this.#stop()
    this.#unwatch()
  }

  #handle(input: Exclude<Input, 'event'>): void {
    switch (TRANSITIONS[this.#state.name][input]) {
      case 'load':
        this.#reading.load()
        break
      case 'restart':
        this.#reading.forget()
        this.#state = { name: 'loading', stale: this.value }
        this.#update()
        break
      case 'check':
        this.#check()
        break
      case 'revisit':
        this.#revisit()
        break
      default:
    }
  }

  readonly #event = (frame: Frame): void => {
    this.#streamCursor = frame.id
    const action = TRANSITIONS[this.#state.name].event
    if (this.#reading.isInFlight) this.#reading.enqueue(frame)
    // A resource that is gone has come back, and an answer from now on includes this event.
    else if (action === 'load') this.#reading.load()
    if (action !== 'apply') return
    this.#apply(frame)
    this.#changed()
  }

  #subscribe(): void {
    const { channels, types } = this.#definition
    const handlers = {
      ready: (id: string) => {
        this.#streamCursor = id
        this.#handle('ready')
      },
      event: this.#event,
      gap: () => this.#handle('gap'),
      error: (reason: Error) => this.#subscriptionFailed(reason),
    }
    try {
      this.#unsubscribe = this.#hub.subscribe({ channels, types, lingers: false }, handlers)
    } catch (reason) {
      this.#isInvalid = true
      this.#fail(reason)
    }
  }

  #subscriptionFailed(reason: Error): void {
    this.#reading.forget()
    if (reason instanceof BoardcastError && reason.code === 'refused') {
      this.#unsubscribe?.()
      this.#unsubscribe = undefined
      if (this.#contradictions === 1) {
        // It could be read just now, so the refusal may be an old one.
        this.#contradictions = 2
        this.#subscribe()
        return
      }
    }
    this.#fail(reason)
  }

  #loaded({ value, cursor }: Loaded<Value>, queued: readonly Frame[]): void {
    this.#state = { name: 'loaded', value }
    this.#contradictions = 0
    if (cursor) this.#valueCursor = cursor
    for (const frame of queued) if (!cursor || compareIds(frame.id, cursor) > 0) this.#apply(frame)
    this.#update()
  }

  #apply(frame: Frame): void {
    if (this.#state.name !== 'loaded') return
    const value = this.#definition.apply(this.#state.value, frame)
    this.#valueCursor = frame.id
    if (value === DELETED) this.deleted()
    else if (value === RELOAD) this.#reading.reload()
    else this.#state = { name: 'loaded', value }
  }

  #fail(reason: unknown): void {
    const error = errorOf(reason)
    const refusal = error instanceof BoardcastError ? error : undefined
    if (refusal?.status === 404 && !this.#definition.mayAppear) {
      this.#leave(error)
      return
    }
    this.#state = refusal?.status === 404 ? { name: 'gone', error } : { name: 'error', stale: this.value, error }
    // A refusal does not change by asking again, but may have when the stream opens. A login page may be temporary.
    const isFinal = refusal && !/^un(reachable|expected)$/.test(refusal.code) && (refusal.status ?? 400) < 500
    if (!isFinal) this.#reading.retry()
    this.#update()
  }

  /** The server would refuse its stream. Nothing of it is shown, because another may take its id. */
  #leave(error: Error): void {
    this.#stop()
    this.#state = { name: 'gone', error }
    this.#update()
  }

  /** Reads it without a subscription first, which the server would refuse if it still does not exist. */
  #revisit(): void {
    if (this.#isClosed || this.#isRevisiting || this.#isInvalid) return
    if (this.#unsubscribe) {
      if (!this.#reading.isInFlight) this.#reading.load()
      return
    }
    this.#isRevisiting = true
    const isUnchanged = this.#reading.mark({ isNew: true })
    const isCurrent = () => {
      this.#isRevisiting = false
      return isUnchanged()
    }
    this.#definition.load('').then(
      () => {
        if (!isCurrent()) return
        this.#state = { name: 'loading', stale: this.value }
        this.#contradictions = Math.max(this.#contradictions, 1)
        this.#subscribe()
        this.#update()
      },
      // A 404 changes nothing; a temporary failure tells us nothing about a deleted resource.
      (reason: unknown) => isCurrent() && this.#state.name === 'error' && this.#fail(reason),
    )
  }

  #check(): void {
    const isUnchanged = this.#reading.mark({ isNew: false })
    this.#definition.check?.().catch((reason: unknown) => {
      const isMissing = reason instanceof BoardcastError && reason.status === 404
      if (isMissing && isUnchanged() && this.#state.name === 'loaded') this.#leave(reason)
    })
  }

  #statusChanged(): void {
    const before = this.#status
    this.#status = this.#hub.status.get()
    const hasOpened = isOpen(this.#status) && !isOpen(before)
    // A notification without a change means that the stream is requested again, by `reconnect`.
    const isReconnect = !hasOpened && hasSameFields(before, this.#status)
    if (hasOpened || (isReconnect && (this.#state.name === 'loaded' || this.#contradictions < 2))) {
      this.#handle('reopened')
    }
    if (this.#phaseNow() !== this.#phase || before.stop !== this.#status.stop) this.#update()
  }

  #update(): void {
    this.#phase = this.#phaseNow()
    this.#changed()
  }

  #phaseNow(): ResourcePhase {
    return phaseOf(this.#state, this.#hub.status.get(), this.#stopError() !== null)
  }

  /** Why nothing comes, if the stream has stopped. */
  #stopError(): BoardcastError | null {
    const { stop } = this.#hub.status.get()
    return !stop || (stop === this.#oldStop && stop.reason !== 'closed') ? null : stopErrorOf(stop)
  }

  #stop(): void {
    this.#reading.stop()
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }
}

function hasSameFields(a: Status, b: Status): boolean {
  return (['phase', 'attempt', 'lastFrameAt', 'lastEventId', 'nextRetryAt'] as const).every((key) => a[key] === b[key])
}
