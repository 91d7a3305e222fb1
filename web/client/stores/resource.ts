/**
 * How every store comes to its value and keeps it: listen, read once what there is, fold what comes.
 *
 *   subscribe ---> ready at R ---> GET, answered at K >= R ---> fold every event after K
 *                     |  events since R wait here  |
 *                     +----------------------------+
 *
 * Where the answer says its cursor (boards) this is exact. Where it does not, events between R and K are folded although
 * the answer has them: `fold` must come to the same value then, which it does where the newest word on a thing counts.
 * After a `gap` everything begins again, and the old value is shown as `stale` meanwhile.
 */
import { BoardcastError } from '../core/errors.ts'
import { outdated } from '../core/freshness.ts'
import type { HubCore } from '../core/hub-core.ts'
import { compareIds } from '../core/positions.ts'
import type { OpenableStore } from '../core/shared-by-count.ts'
import type { Frame, Phase, Status, SubscribeHandlers } from '../core/types.ts'
import { derivedStore } from './derived.ts'

/**
 * `loading`: nothing to show yet. `live`: as the server has it. `stale`: as it was, the stream is not open. `error`: what
 * there is could not be read; it is tried again. `gone`: it is not there, or not any more.
 */
export type ResourcePhase = 'loading' | 'live' | 'stale' | 'error' | 'gone'

export interface Standing {
  readonly phase: ResourcePhase
  /** Why the phase is `error` or `gone`, or why the last mutation was refused. */
  readonly error: Error | null
}

export interface Loaded<Value> {
  readonly value: Value
  /** The id that the value is exact at, where the server says it. */
  readonly cursor?: string
}

/** What happened, as far as the store must act on it. */
export type Consequence = 'again' | 'over' | undefined

export interface Resource<Value, Shown> {
  readonly channels: readonly string[]
  readonly types?: readonly string[]
  /** `heard`: events up to this id have come or are in the answer; those after it will come. */
  load(heard: string): Promise<Loaded<Value>>
  /** May change `value` itself. `again`: read it again, soon; `over`: the thing is gone. */
  fold(value: Value, frame: Frame, replace: (value: Value) => void): Consequence
  /** Makes what readers see; `value` is null as long as there was none. */
  show(value: Value | null, standing: Standing): Shown
  /** Clients choose the id, so what is not there may come: it is waited for. */
  readonly mayCome?: boolean
  /** It may be deleted without an event on its channels: asked for when the stream was opened anew; 404 is its end. */
  check?(): Promise<unknown>
  /** The value stands at this id. */
  reached?(id: string): void
}

export interface ResourceStore<Shown, Value = unknown> extends OpenableStore<Shown> {
  /** What is shown is made of more than the value, and that has changed. */
  changed(): void
  /** Something else tells that it was deleted. */
  leave(): void
  /** There is reason to think that what was gone or refused is there now: it is asked for again. */
  revisit(): void
  /** What there is, null as long as there is none. */
  value(): Value | null
}

/** Events that wait for an answer. Beyond that they are let go, and what there is is read again. */
const MAX_WAITING = 10_000
/** What is read again for events' sake is read so often at most. */
const AGAIN_MS = 1_000
const FIRST_RETRY_MS = 1_500
const MAX_RETRY_MS = 12_000

export function resourceStore<Value, Shown>(
  hub: HubCore,
  resource: Resource<Value, Shown>,
): ResourceStore<Shown, Value> {
  let value: Value | null = null
  let state: 'loading' | 'loaded' | 'error' | 'gone' = 'loading'
  let error: Error | null = null
  /** Events since the request that is under way. */
  let waiting: Frame[] | null = null
  let isOverrun = false
  let heardTo = ''
  let request = 0
  let failures = 0
  let requestedAt = 0
  let timer: unknown
  let phase: ResourcePhase = 'loading'
  /** Of the subscription; undefined when there is none, or it is over. */
  let mute: (() => void) | undefined
  let unwatch: (() => void) | undefined
  let status = hub.status.get()
  /** A stop from before this store was opened says nothing of it. */
  let oldStop: Status['stop']
  let isRevisiting = false
  let isImpossible = false
  /** Streams that were refused one after the other though what they would tell of is there. */
  let contradictions = 0

  const store = derivedStore(() => resource.show(value, { phase, error: error ?? stopError() }))

  function update(): void {
    phase = phaseNow()
    store.changed()
  }

  function phaseNow(): ResourcePhase {
    if (state === 'error' || state === 'gone') return state
    if (state === 'loaded' && isOpen()) return 'live'
    if (value !== null) return 'stale'
    return stopError() ? 'error' : 'loading'
  }

  /** Why nothing comes, where the stream has stopped. */
  function stopError(): BoardcastError | null {
    const { stop } = hub.status.get()
    if (!stop || (stop === oldStop && stop.reason !== 'closed')) return null
    return stopErrorOf(stop)
  }

  /** Others may be reading what they missed; this one never does. */
  function isOpen(): boolean {
    return OPEN.has(hub.status.get().phase)
  }

  function load(): void {
    const mine = ++request
    hub.clock.clearTimeout(timer)
    timer = undefined
    waiting = []
    isOverrun = false
    requestedAt = hub.clock.now()
    const heard = heardTo
    resource.load(heard).then(
      (loaded) => mine === request && take(loaded, heard),
      (reason: unknown) => mine === request && fail(reason),
    )
  }

  function take(loaded: Loaded<Value>, heard: string): void {
    if (loaded.cursor && compareIds(loaded.cursor, heard) < 0) {
      fail(outdated(resource.channels.join(), loaded.cursor, heard))
      return
    }
    if (isOverrun) {
      retry(Math.max(0, requestedAt + AGAIN_MS - hub.clock.now()))
      return
    }
    const frames = waiting ?? []
    waiting = null
    value = loaded.value
    state = 'loaded'
    error = null
    failures = 0
    contradictions = 0
    if (loaded.cursor) resource.reached?.(loaded.cursor)
    for (const frame of frames) if (!loaded.cursor || compareIds(frame.id, loaded.cursor) > 0) fold(frame)
    update()
  }

  function fold(frame: Frame): void {
    if (value === null) return
    const consequence = resource.fold(value, frame, (next) => {
      value = next
    })
    resource.reached?.(frame.id)
    if (consequence === 'over') leave()
    else if (consequence === 'again') again(AGAIN_MS)
  }

  function heard(frame: Frame): void {
    heardTo = frame.id
    // It has come, and what is read now has this event.
    if (state === 'gone' && !waiting) {
      load()
      return
    }
    if (waiting) {
      if (waiting.length < MAX_WAITING) waiting.push(frame)
      else isOverrun = true
    }
    // While it is read again, what there was goes on.
    if (state !== 'loaded') return
    fold(frame)
    store.changed()
  }

  function fail(reason: unknown): void {
    waiting = null
    error = reason instanceof Error ? reason : new Error(String(reason))
    const status = reason instanceof BoardcastError ? reason.status : undefined
    if (status === 404 && !resource.mayCome) {
      leave(error)
      return
    }
    state = status === 404 ? 'gone' : 'error'
    if (state === 'gone') value = null
    // A refusal is not changed by asking again; the next time the stream opens may know better. A login page may pass.
    const mayPass = /^un(reachable|expected)$/
    const isFinal = reason instanceof BoardcastError && !mayPass.test(reason.code) && (status ?? 400) < 500
    if (!isFinal) retry(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++))
    update()
  }

  function again(intervalMs: number): void {
    if (timer === undefined) retry(Math.max(0, requestedAt + intervalMs - hub.clock.now()))
  }

  function retry(delayMs: number): void {
    hub.clock.clearTimeout(timer)
    timer = hub.clock.setTimeout(load, delayMs)
  }

  /** It is gone: a stream that asks for it would be refused. What it was is not shown: another may come in its place. */
  function leave(reason: Error = new BoardcastError('refused', 'It was deleted.', { status: 404 })): void {
    quiet()
    value = null
    state = 'gone'
    error = reason
    update()
  }

  /** The answer that is under way is not waited for any longer. */
  function forget(): void {
    request += 1
    waiting = null
  }

  /** Neither listens nor waits any more. */
  function quiet(): void {
    forget()
    hub.clock.clearTimeout(timer)
    timer = undefined
    mute?.()
    mute = undefined
  }

  function listen(): void {
    try {
      mute = hub.subscribe({ channels: resource.channels, types: resource.types, lingers: false }, handlers)
    } catch (reason) {
      // No such channel can be: the id has the wrong shape. Asking would not help.
      isImpossible = true
      fail(reason)
    }
  }

  const handlers: SubscribeHandlers = {
    ready(id) {
      heardTo = id
      load()
    },
    event: heard,
    gap() {
      // What comes until it was read anew follows on something that is not known.
      forget()
      state = 'loading'
      update()
    },
    error(reason) {
      forget()
      const isOver = reason instanceof BoardcastError && reason.code === 'refused'
      if (isOver) {
        mute?.()
        mute = undefined
        if (contradictions === 1) {
          // It is there, so that was an old refusal.
          contradictions = 2
          listen()
          return
        }
      }
      fail(reason)
    },
  }

  function revisit(): void {
    if (unwatch === undefined || isRevisiting || isImpossible || (state !== 'gone' && state !== 'error')) return
    if (mute) {
      if (waiting === null) load()
      return
    }
    isRevisiting = true
    const mine = ++request
    const over = () => {
      isRevisiting = false
      return mine === request
    }
    resource.load('').then(
      () => {
        if (!over()) return
        state = 'loading'
        error = null
        contradictions = Math.max(contradictions, 1)
        listen()
        update()
      },
      (reason: unknown) => {
        // What is not there is as it was; that it cannot be read for now is no news of it.
        if (over() && state === 'error') fail(reason)
      },
    )
  }

  function check(): void {
    const mine = request
    resource.check?.().catch((reason: unknown) => {
      const isGone = reason instanceof BoardcastError && reason.status === 404
      if (isGone && mine === request && state === 'loaded') leave(reason)
    })
  }

  /** A status that is told though nothing in it has changed: the stream is asked for anew. */
  function watch(): void {
    const before = status
    status = hub.status.get()
    const hasOpened = isOpen() && !OPEN.has(before.phase)
    const isAnew = hasOpened || isSame(before, status)
    if (isAnew && state === 'loaded') check()
    if (hasOpened && state === 'error' && mute) {
      if (waiting === null) load()
    } else if (isAnew && (state === 'gone' || state === 'error') && (hasOpened || contradictions < 2)) revisit()
    if (phaseNow() !== phase || before.stop !== status.stop) update()
  }

  return {
    get: store.get,
    subscribe(listener) {
      // A new reader may know better than that it is gone.
      if (state === 'gone') revisit()
      return store.subscribe(listener)
    },
    changed: store.changed,
    value: () => value,
    leave: () => unwatch && leave(),
    revisit,
    open() {
      status = hub.status.get()
      oldStop = status.stop
      unwatch = hub.status.subscribe(watch)
      listen()
    },
    close() {
      quiet()
      unwatch?.()
      unwatch = undefined
      isRevisiting = false
      isImpossible = false
      contradictions = 0
      failures = 0
      value = null
      state = 'loading'
      error = null
      update()
    },
  }
}

const OPEN: ReadonlySet<Phase> = new Set<Phase>(['open', 'catching-up'])

function isSame(a: Status, b: Status): boolean {
  return (['phase', 'attempt', 'lastFrameAt', 'lastEventId', 'nextRetryAt'] as const).every((key) => a[key] === b[key])
}

const errors = new WeakMap<object, BoardcastError>()

/** The same error for the same stop. */
export function stopErrorOf(stop: NonNullable<Status['stop']>): BoardcastError {
  const known = errors.get(stop)
  if (known) return known
  const { reason, detail, status } = stop
  const code = reason === 'closed' || reason === 'unreachable' ? reason : 'refused'
  const made = new BoardcastError(code, `The stream has stopped: ${reason}${detail ? ` (${detail})` : ''}.`, {
    ...(status !== undefined && { status }),
  })
  errors.set(stop, made)
  return made
}
