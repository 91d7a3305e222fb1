/** The stream that all subscriptions of a client share: what they want together, and which reader gets what. */
import { MAX_CHANNELS } from '../../../shared/src/protocol.ts'
import { shownOn } from '../base/channels.ts'
import { type Clock, LINGER_MS } from '../base/clock.ts'
import type { BoardcastError } from '../base/errors.ts'
import { laterOf } from '../base/frames.ts'
import type { Frame, GapNotice, StreamListener, StreamSource, SubscribeHandlers } from '../base/types.ts'
import { Reader, type ReadPage } from './reader.ts'
import type { Selection } from './subscription.ts'

export interface SharedStreamOptions {
  readonly clock: Clock
  readonly readPage: ReadPage
  /** Whether a frame may be delivered; called once for each. Default: every frame. */
  isAccepted?: ((frame: Frame) => boolean) | undefined
  /** Closes something that is still open though nobody reads it. False if there is nothing left. */
  makeRoom?(): boolean
  /** How many readers are catching up. */
  onCatchingUp(count: number): void
  /** The stream has lost events. */
  onGap?(): void
}

export class SharedStream implements StreamListener {
  readonly #options: SharedStreamOptions
  readonly #readers = new Set<Reader>()
  readonly #refusals = new Map<string, BoardcastError>()
  #source: StreamSource | undefined
  #covered: ReadonlySet<string> = new Set()
  #cursor: string | null = null
  #catchingUp = 0
  #lingering: unknown

  constructor(options: SharedStreamOptions) {
    this.#options = options
  }

  /** The last checkpoint of the stream; null before the first. */
  get cursor(): string | null {
    return this.#cursor
  }

  /** The source calls this stream as its listener, and is asked for the channels that readers want. */
  attach(source: StreamSource): void {
    this.#source = source
  }

  subscribe(selection: Selection, handlers: SubscribeHandlers): () => void {
    const { clock, readPage, isAccepted, makeRoom, onCatchingUp } = this.#options
    const { channels, lingers } = selection
    const reader = new Reader({
      selection,
      handlers,
      clock,
      readPage,
      shownOn,
      isAccepted,
      onCatchingUp: (isCatchingUp) => {
        this.#catchingUp += isCatchingUp ? 1 : -1
        onCatchingUp(this.#catchingUp)
      },
      onRefused: () => this.#remove(reader, lingers),
    })
    this.#readers.add(reader)
    clock.clearTimeout(this.#lingering)
    while (this.#wanted().size > MAX_CHANNELS && makeRoom?.());
    this.#want()
    // Handlers are not called before the caller has the unsubscribe function.
    queueMicrotask(() => {
      const refusal = [...channels.keys()].map((name) => this.#refusals.get(name)).find(Boolean)
      if (refusal) reader.refuse(refusal)
      else if (this.#cursor !== null && reader.isWaiting) reader.cover(this.#covered, this.#cursor)
    })
    return () => this.#remove(reader, lingers)
  }

  close(): void {
    for (const reader of [...this.#readers]) this.#remove(reader, false)
    this.#options.clock.clearTimeout(this.#lingering)
  }

  frame(frame: Frame, isCheckpoint: boolean): void {
    const checkpoint = this.#cursor ?? frame.id
    if (isCheckpoint) this.#cursor = laterOf(this.#cursor, frame.id)
    const { isAccepted } = this.#options
    if (isAccepted && !isAccepted(frame)) {
      if (isCheckpoint) this.checkpoint(frame.id)
      return
    }
    // Handlers may add and remove readers. Those that are added meanwhile do not get this frame.
    for (const reader of [...this.#readers]) {
      if (this.#readers.has(reader)) reader.take(frame, isCheckpoint, checkpoint)
    }
  }

  checkpoint(id: string): void {
    this.#cursor = laterOf(this.#cursor, id)
    for (const reader of this.#current()) reader.checkpoint(id)
  }

  covered(channels: ReadonlySet<string>, cursor: string): void {
    this.#covered = channels
    this.#cursor = cursor
    for (const reader of this.#current()) reader.cover(channels, cursor)
  }

  gap(notice: GapNotice): void {
    this.#covered = new Set()
    this.#options.onGap?.()
    for (const reader of this.#current()) reader.gap(notice)
  }

  refused(channels: readonly string[], error: BoardcastError): void {
    for (const channel of channels) this.#refusals.set(channel, error)
    for (const reader of this.#current()) {
      if (channels.some((channel) => reader.selection.channels.has(channel))) reader.refuse(error)
    }
  }

  #wanted(): Set<string> {
    return new Set([...this.#readers].flatMap(({ selection }) => [...selection.channels.keys()]))
  }

  #want(): void {
    const channels = this.#wanted()
    for (const channel of this.#refusals.keys()) if (!channels.has(channel)) this.#refusals.delete(channel)
    this.#source?.want(channels, new Set([...this.#readers].flatMap(({ selection }) => selection.types.names)))
  }

  #remove(reader: Reader, lingers: boolean): void {
    const { clock } = this.#options
    if (!this.#readers.delete(reader)) return
    reader.close()
    clock.clearTimeout(this.#lingering)
    if (lingers && this.#readers.size === 0) this.#lingering = clock.setTimeout(() => this.#want(), LINGER_MS)
    else this.#want()
  }

  /** The readers of now, without those that a handler removes meanwhile. */
  *#current(): Iterable<Reader> {
    for (const reader of [...this.#readers]) if (this.#readers.has(reader)) yield reader
  }
}
