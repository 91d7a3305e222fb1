/**
 * One reader of the shared stream. It has a cursor of its own, and gets every event after it once and in order.
 *
 *   waiting  --(its channels are covered)-->  live            if its cursor is that of the stream, or ahead of it
 *                                        \->  catching up     if not: reads pages of the log up to a checkpoint of the
 *                                             |               stream; frames are queued until then
 *                                             +-->  live
 *
 * Pages are read up to a checkpoint, and frames taken after it, never from any other id: the stream joins lines of output,
 * so only at a checkpoint is it certain that no later frame repeats something from the pages.
 */
import { EVERY_TYPE } from '../../../shared/src/type-filter.ts'
import { pause } from '../base/abort.ts'
import type { shownOn } from '../base/channels.ts'
import type { Clock } from '../base/clock.ts'
import { BoardcastError } from '../base/errors.ts'
import { compareIds, isAtOrAfter, isBefore, isUnstored, laterOf } from '../base/frames.ts'
import type { Frame, GapNotice, SubscribeHandlers } from '../base/types.ts'
import type { Page, PageQuery } from './pages.ts'
import { SafeHandlers } from './safe-handlers.ts'
import type { Selection } from './subscription.ts'

/** Frames that are queued while pages are read. More than that are read from the log, which has them anyway. */
const MAX_QUEUED = 2_000
/** Between two attempts to read a page, on top of the retries of each request. */
const RETRY_MS = 5_000
/** After a page was refused for want of credentials. Usually a stream with new ones comes first, and makes it read again. */
const SIGNED_OUT_MS = 60_000

interface QueuedFrame {
  readonly frame: Frame
  isCheckpoint: boolean
}

/** `until`: a checkpoint of the stream; the queued frames came after it. */
interface CatchingUp {
  readonly name: 'catching-up'
  readonly controller: AbortController
  until: string
  queue: QueuedFrame[]
}

type State = { readonly name: 'waiting' | 'live' | 'closed' } | CatchingUp

/** The result of reading a page. `aborted`: the reader does not need it any more. */
type PageResult = 'more' | 'done' | 'gap' | 'aborted'

export type ReadPage = (query: PageQuery, signal: AbortSignal) => Promise<Page | GapNotice>

export interface ReaderOptions {
  readonly selection: Selection
  readonly handlers: SubscribeHandlers
  readonly clock: Clock
  readonly readPage: ReadPage
  readonly shownOn: typeof shownOn
  /** Whether an event of a page may be delivered. Default: every event. */
  readonly isAccepted: ((frame: Frame) => boolean) | undefined
  /** Catching up has begun or ended. */
  onCatchingUp(isCatchingUp: boolean): void
  /** The server refused a channel, which ended the reader. */
  onRefused(): void
}

export class Reader {
  readonly selection: Selection
  readonly #options: ReaderOptions
  readonly #handlers: SafeHandlers
  #state: State = { name: 'waiting' }
  /** Every event up to here was delivered; null: begins where the stream is. */
  #cursor: string | null
  #fromEarliest: boolean
  /** An event whose last frame has not come yet, and its names that were delivered. */
  #partial: { id: string; names: Set<string> } | null = null
  /** `ready` was called, and nothing was lost since. */
  #isReady = false

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#handlers = new SafeHandlers(options.handlers)
    this.selection = options.selection
    const { since } = options.selection
    this.#fromEarliest = since === 'earliest'
    this.#cursor = since === undefined || /^(now|earliest|)$/.test(since) ? null : since
  }

  get isWaiting(): boolean {
    return this.#state.name === 'waiting'
  }

  /** The stream carries these channels from `streamCursor` on. */
  cover(covered: ReadonlySet<string>, streamCursor: string): void {
    if (this.#state.name === 'closed') return
    for (const channel of this.selection.channels.keys()) {
      if (covered.has(channel)) continue
      // Another reader changed the stream. It will carry this channel again, and the cursor is kept until then.
      this.#enter({ name: 'waiting' })
      return
    }
    if (this.#fromEarliest) {
      this.#catchUp(streamCursor)
      return
    }
    this.#cursor ??= streamCursor
    // A `since` of the caller's may be invalid, so the log must check it even if nothing can have been missed.
    const mustRead = this.#isReady ? !isAtOrAfter(this.#cursor, streamCursor) : this.#cursor !== streamCursor
    if (mustRead) this.#catchUp(streamCursor)
    else if (this.#state.name === 'waiting') {
      this.#state = { name: 'live' }
      this.#ready(streamCursor)
    }
  }

  /** `checkpoint`: the last one of the stream before this frame. */
  take(frame: Frame, isCheckpoint: boolean, checkpoint: string): void {
    const state = this.#state
    if (state.name === 'catching-up') {
      if (state.queue.length >= MAX_QUEUED && state.queue.at(-1)?.isCheckpoint) {
        state.until = checkpoint
        state.queue = []
      }
      state.queue.push({ frame, isCheckpoint })
    }
    if (state.name !== 'live') return
    const { id, event } = frame
    const isStored = !isUnstored(event)
    if (!isStored || this.#hasDelivered(id, event)) {
      if (!isStored) this.#deliver(frame)
      if (isCheckpoint) this.#advance(id)
      return
    }
    const areLinesDelivered = event === 'output_batch' && this.#cursor !== null && isBefore(checkpoint, this.#cursor)
    const channel = this.#channelOf(frame)
    // The first of the joined lines were delivered before, or the frame does not tell whether this reader gets it.
    if (areLinesDelivered || channel === null) {
      this.#catchUp(id)
      return
    }
    if (isCheckpoint) {
      this.#cursor = id
      this.#partial = null
    } else {
      if (this.#partial?.id !== id) this.#partial = { id, names: new Set() }
      this.#partial.names.add(event)
    }
    this.#deliver(frame, channel)
  }

  checkpoint(id: string): void {
    const state = this.#state
    if (state.name === 'live') this.#advance(id)
    else if (state.name === 'catching-up') {
      const last = state.queue.at(-1)
      if (last?.frame.id === id) last.isCheckpoint = true
    }
  }

  /** Missed events are lost; `cover` follows. */
  gap(notice: GapNotice): void {
    if (this.#state.name === 'closed' || (this.#state.name === 'waiting' && !this.#isReady)) return
    this.#enter({ name: 'waiting' })
    this.#cursor = null
    this.#fromEarliest = false
    this.#partial = null
    this.#isReady = false
    this.#handlers.gap(notice)
  }

  refuse(error: BoardcastError): void {
    if (this.#state.name === 'closed') return
    this.close()
    this.#handlers.error(error)
    this.#options.onRefused()
  }

  close(): void {
    this.#enter({ name: 'closed' })
  }

  #enter(next: State): void {
    const state = this.#state
    this.#state = next
    if (state.name !== 'catching-up') return
    state.controller.abort()
    this.#options.onCatchingUp(false)
  }

  #ready(id: string): void {
    if (this.#isReady) return
    this.#isReady = true
    this.#handlers.ready(id)
  }

  #hasDelivered(id: string, event: string): boolean {
    if (this.#cursor !== null && compareIds(id, this.#cursor) <= 0) return true
    return this.#partial?.id === id && this.#partial.names.has(event)
  }

  #advance(id: string): void {
    this.#cursor = laterOf(this.#cursor, id)
    if (this.#partial && !isBefore(id, this.#partial.id)) this.#partial = null
  }

  /** The channel under which this reader gets a frame; undefined: it does not. null: only the log tells. */
  #channelOf(frame: Frame): string | undefined | null {
    const { channels, types } = this.selection
    if (!types.passes(frame.event)) return undefined
    return channels.has(frame.channel) ? frame.channel : this.#options.shownOn(frame, channels)
  }

  #deliver(frame: Frame, channel = this.#channelOf(frame)): void {
    if (channel) this.#handlers.event(channel === frame.channel ? frame : { ...frame, channel })
  }

  /** Reads pages up to `until`, a checkpoint of the stream, then goes live. */
  #catchUp(until: string): void {
    this.#enter({ name: 'waiting' })
    const state: CatchingUp = { name: 'catching-up', until, queue: [], controller: new AbortController() }
    this.#state = state
    this.#options.onCatchingUp(true)
    void this.#readPages(state)
  }

  async #readPages(state: CatchingUp): Promise<void> {
    const { signal } = state.controller
    try {
      let result: PageResult
      do result = await this.#readPage(state, signal)
      while (result === 'more')
      // A `gap` handler may have unsubscribed.
      if (result === 'aborted' || (result === 'gap' && !this.isWaiting)) return
    } catch (error) {
      if (signal.aborted) return
      const isSignedOut = error instanceof BoardcastError && error.status === 401
      if (error instanceof BoardcastError && error.code === 'refused' && !isSignedOut) this.refuse(error)
      else {
        await pause(this.#options.clock, isSignedOut ? SIGNED_OUT_MS : RETRY_MS, signal)
        if (!signal.aborted) void this.#readPages(state)
      }
      return
    }
    this.#enter({ name: 'live' })
    this.#ready(state.until)
    let checkpoint = state.until
    for (const { frame, isCheckpoint } of state.queue) {
      // A handler may have ended the reader, or a frame made it catch up again: `take` checks the state.
      this.take(frame, isCheckpoint, checkpoint)
      if (isCheckpoint) checkpoint = frame.id
    }
  }

  async #readPage(state: CatchingUp, signal: AbortSignal): Promise<PageResult> {
    const { readPage, isAccepted } = this.#options
    const { channels, types } = this.selection
    const query = {
      channels: [...channels.keys()],
      types: types.key === EVERY_TYPE.key ? '' : types.key,
      after: this.#cursor,
      until: state.until,
    }
    const page = await readPage(query, signal)
    if (signal.aborted) return 'aborted'
    if ('requested' in page) {
      this.gap(page)
      // The stream itself has lost nothing and goes on from where it is.
      this.#cursor = state.until
      return 'gap'
    }
    if (this.#fromEarliest) {
      // Older events are not complete.
      this.#cursor = page.oldest
      this.#fromEarliest = false
    }
    this.#ready(this.#cursor ?? page.oldest)
    for (const frame of page.events) {
      if (isBefore(state.until, frame.id)) break
      if (!this.#hasDelivered(frame.id, frame.event) && (isAccepted?.(frame) ?? true)) this.#deliver(frame)
      if (signal.aborted) return 'aborted'
    }
    const isDone = !page.more || !isBefore(page.cursor, state.until)
    this.#advance(isDone ? state.until : page.cursor)
    return isDone ? 'done' : 'more'
  }
}
