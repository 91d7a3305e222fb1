/**
 * One reader of the stream: it has a position of its own, and gets everything after it once and in order.
 *
 *   waiting  --(its channels are covered)-->  live          where its position is that of the stream, or ahead
 *                                        \->  behind        where it is not: pages of the log, up to a mark of the stream;
 *                                             |             frames wait meanwhile
 *                                             +-->  live
 *
 * Pages are read up to a mark and frames taken after it, never up to any other id: lines of output are joined, so only at
 * a mark is it certain that no frame to come holds something that the pages had.
 */
import type { Channel } from '../../../shared/src/channels.ts'
import type { shownOn } from './channels.ts'
import type { Clock } from './clock.ts'
import { BoardcastError } from './errors.ts'
import { isControl, isUnstored } from './frames.ts'
import type { Page, PageQuery } from './pages.ts'
import { compareIds, isAtOrAfter, laterOf } from './positions.ts'
import { surface } from './store.ts'
import { typeFilter } from './type-filter.ts'
import type { Frame, GapNotice, SubscribeHandlers } from './types.ts'

/** Frames that wait while pages are read. What exceeds it is read from the log: it is there anyway. */
const MAX_WAITING = 2_000
/** Between two tries to read a page, beyond those of the request itself. */
const AGAIN_MS = 5_000

interface Waiting {
  readonly frame: Frame
  marks: boolean
}

/** `until`: a mark of the stream; the frames that wait came after it. */
interface Behind {
  readonly name: 'behind'
  readonly controller: AbortController
  until: string
  waiting: Waiting[]
}

/** How reading a page went: `left` when it was not wanted any more. */
type Reading = 'more' | 'done' | 'lost' | 'left'

type State = { readonly name: 'waiting' | 'live' | 'over' } | Behind

export type ReadPage = (query: PageQuery, signal: AbortSignal) => Promise<Page | GapNotice>

export interface ReaderOptions {
  readonly channels: ReadonlyMap<string, Channel>
  readonly types: readonly string[] | undefined
  readonly since: string | undefined
  readonly handlers: SubscribeHandlers
  readonly clock: Clock
  readonly readPage: ReadPage
  readonly shownOn: typeof shownOn
  /** Of what it reads itself. */
  mayPass(frame: Frame): boolean
  /** It began or ended reading pages. */
  onBehind(isBehind: boolean): void
  /** It is over, by a refusal. */
  onOver(): void
}

export class Reader {
  readonly channels: ReadonlyMap<string, Channel>
  readonly types: ReturnType<typeof typeFilter>
  readonly #options: ReaderOptions
  #state: State = { name: 'waiting' }
  /** Everything up to here was delivered; null: it begins where the stream is. */
  #position: string | null
  #fromEarliest: boolean
  /** Names delivered of an event whose last frame has not come yet. */
  #partial: { id: string; names: Set<string> } | null = null
  /** `ready` was said, and nothing was lost since. */
  #isReady = false

  constructor(options: ReaderOptions) {
    this.#options = options
    this.channels = options.channels
    this.types = typeFilter(options.types)
    this.#fromEarliest = options.since === 'earliest'
    this.#position = options.since === undefined || /^(now|earliest|)$/.test(options.since) ? null : options.since
  }

  get isWaiting(): boolean {
    return this.#state.name === 'waiting'
  }

  /** The stream tells of these channels, from `position` on. */
  cover(covered: ReadonlySet<string>, position: string): void {
    if (this.#state.name === 'over') return
    for (const channel of this.channels.keys()) {
      if (covered.has(channel)) continue
      // Not its own fault, and not for long: it keeps its place.
      this.#leave({ name: 'waiting' })
      return
    }
    if (this.#fromEarliest) this.#fallBehind(position)
    else {
      this.#position ??= position
      // A place that the caller named may be none: the log is asked, also where nothing can have been missed.
      const mustAsk = this.#isReady ? !isAtOrAfter(this.#position, position) : this.#position !== position
      if (mustAsk) this.#fallBehind(position)
      else if (this.#state.name === 'waiting') {
        this.#state = { name: 'live' }
        this.#standAt(position)
      }
    }
  }

  /** `before`: the last mark of the stream. */
  take(frame: Frame, marks: boolean, before: string): void {
    const state = this.#state
    if (state.name === 'live') this.#offer(frame, marks, before)
    else if (state.name === 'behind') {
      if (state.waiting.length >= MAX_WAITING && state.waiting.at(-1)?.marks) {
        state.until = before
        state.waiting = []
      }
      state.waiting.push({ frame, marks })
    }
  }

  mark(id: string): void {
    const state = this.#state
    if (state.name === 'live') this.#reach(id)
    else if (state.name === 'behind') {
      const last = state.waiting.at(-1)
      if (last?.frame.id === id) last.marks = true
    }
  }

  /** What was missed is lost; `cover` follows. */
  lose(notice: GapNotice): void {
    if (this.#state.name === 'over' || (this.#state.name === 'waiting' && !this.#isReady)) return
    this.#leave({ name: 'waiting' })
    this.#position = null
    this.#fromEarliest = false
    this.#partial = null
    this.#isReady = false
    this.#call('gap', notice)
  }

  refuse(error: BoardcastError): void {
    if (this.#state.name === 'over') return
    this.close()
    this.#call('error', error)
    this.#options.onOver()
  }

  close(): void {
    this.#leave({ name: 'over' })
  }

  #leave(next: State): void {
    const state = this.#state
    this.#state = next
    if (state.name !== 'behind') return
    state.controller.abort()
    this.#options.onBehind(false)
  }

  #standAt(id: string): void {
    if (this.#isReady) return
    this.#isReady = true
    this.#call('ready', id)
  }

  /** Delivers what is new to this reader. */
  #offer(frame: Frame, marks: boolean, before: string): void {
    const { id, event } = frame
    if (isUnstored(event)) this.#deliver(frame)
    else if (!this.#had(id, event)) {
      if (event === 'output_batch' && this.#position !== null && isBefore(before, this.#position)) {
        // Joined from lines of which the first ones were had.
        this.#fallBehind(id)
        return
      }
      if (!marks) {
        if (this.#partial?.id !== id) this.#partial = { id, names: new Set() }
        this.#partial.names.add(event)
      }
      this.#deliver(frame)
    }
    if (marks) this.#reach(id)
  }

  #had(id: string, event: string): boolean {
    if (this.#position !== null && compareIds(id, this.#position) <= 0) return true
    return this.#partial?.id === id && this.#partial.names.has(event)
  }

  #reach(id: string): void {
    this.#position = laterOf(this.#position, id)
    if (this.#partial && !isBefore(id, this.#partial.id)) this.#partial = null
  }

  #deliver(frame: Frame): void {
    if (isControl(frame.event) || !this.types.passes(frame.event)) return
    const channel = this.#options.shownOn(frame, this.channels)
    if (channel !== undefined) this.#call('event', channel === frame.channel ? frame : { ...frame, channel })
  }

  /** Reads pages up to `until`, a mark of the stream, and goes live. */
  #fallBehind(until: string): void {
    this.#leave({ name: 'waiting' })
    const state: Behind = { name: 'behind', until, waiting: [], controller: new AbortController() }
    this.#state = state
    this.#options.onBehind(true)
    void this.#readOn(state, state.controller)
  }

  async #readOn(state: Behind, { signal }: AbortController): Promise<void> {
    try {
      let outcome: Reading
      do outcome = await this.#readPage(state, signal)
      while (outcome === 'more')
      // A handler that was told may have left.
      if (outcome === 'left' || (outcome === 'lost' && !this.isWaiting)) return
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof BoardcastError && error.code === 'refused') this.refuse(error)
      else {
        await this.#again(signal)
        if (!signal.aborted) void this.#readOn(state, state.controller)
      }
      return
    }
    this.#leave({ name: 'live' })
    this.#standAt(state.until)
    this.#drain(state)
  }

  #drain({ waiting, until }: Behind): void {
    let before = until
    for (const { frame, marks } of waiting) {
      // It may have fallen behind again, or left: `take` knows.
      this.take(frame, marks, before)
      if (marks) before = frame.id
    }
  }

  async #readPage(state: Behind, signal: AbortSignal): Promise<Reading> {
    const { readPage, mayPass } = this.#options
    const query = {
      channels: [...this.channels.keys()],
      types: this.types.text,
      after: this.#position,
      until: state.until,
    }
    const page = await readPage(query, signal)
    if (signal.aborted) return 'left'
    if ('requested' in page) {
      this.lose(page)
      // The stream itself has lost nothing: it goes on from where it is.
      this.#position = state.until
      return 'lost'
    }
    if (this.#fromEarliest) {
      // What is kept from before is not whole.
      this.#position = page.oldest
      this.#fromEarliest = false
    }
    this.#standAt(this.#position ?? page.oldest)
    for (const frame of page.events) {
      if (isBefore(state.until, frame.id)) break
      if (!this.#had(frame.id, frame.event) && mayPass(frame)) this.#deliver(frame)
      if (signal.aborted) return 'left'
    }
    const isDone = !page.more || !isBefore(page.cursor, state.until)
    this.#reach(isDone ? state.until : page.cursor)
    return isDone ? 'done' : 'more'
  }

  #again(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, AGAIN_MS)
      signal.addEventListener(
        'abort',
        () => {
          clock.clearTimeout(timer)
          resolve()
        },
        { once: true },
      )
    })
  }

  /** What a handler throws goes to `error`, and what that throws to nobody but the console: the others must not suffer. */
  #call<Name extends keyof SubscribeHandlers>(
    name: Name,
    value: Parameters<NonNullable<SubscribeHandlers[Name]>>[0],
  ): void {
    const { handlers } = this.#options
    try {
      ;(handlers[name] as ((value: unknown) => void) | undefined)?.call(handlers, value)
    } catch (thrown) {
      if (name === 'error' || !handlers.error) surface(thrown)
      else this.#call('error', thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }
}

function isBefore(a: string, b: string): boolean {
  return compareIds(a, b) < 0
}
