/** All readers of a source: what they want together, and who is told of what. */
import { MAX_CHANNELS } from '../../../shared/src/protocol.ts'
import { channelOf } from './channel-names.ts'
import type { shownOn } from './channels.ts'
import type { Clock } from './clock.ts'
import { type BoardcastError, misuse } from './errors.ts'
import { laterOf } from './positions.ts'
import { Reader, type ReadPage } from './reader.ts'
import { LINGER_MS } from './shared-by-count.ts'
import type { Source, SourceListener } from './source.ts'
import type { Frame, SubscribeHandlers, SubscribeOptions } from './types.ts'

export interface Readers {
  /** Of the source's making; tells nothing before `attach`. */
  readonly listener: SourceListener
  /** Everything up to here has come by the stream; null before anything has. */
  readonly position: string | null
  attach(source: Source): void
  subscribe(options: SubscribeOptions, handlers: SubscribeHandlers): () => void
  close(): void
}

export interface ReadersOptions {
  readonly clock: Clock
  readonly readPage: ReadPage
  /** Comes with whatever reads: needed with the first frame. */
  readonly shownOn: typeof shownOn
  /** Whether it may be delivered; asked once for each frame. */
  mayPass(frame: Frame): boolean
  /** Closes something that is kept though nobody reads it; false when there is nothing more. */
  makeRoom?(): boolean
  /** So many readers read pages. */
  onBehind(count: number): void
  /** The stream has lost something. */
  onGap?(): void
}

export function createReaders(options: ReadersOptions): Readers {
  const { clock, readPage, shownOn, mayPass, makeRoom, onBehind, onGap } = options
  const readers = new Set<Reader>()
  const refusals = new Map<string, BoardcastError>()
  let source: Source | undefined
  let covered: ReadonlySet<string> = new Set()
  let position: string | null = null
  let behind = 0
  let lingering: unknown

  function wanted(): Set<string> {
    return new Set([...readers].flatMap((reader) => [...reader.channels.keys()]))
  }

  function want(): void {
    const channels = wanted()
    for (const channel of refusals.keys()) if (!channels.has(channel)) refusals.delete(channel)
    source?.want(channels, new Set([...readers].flatMap((reader) => reader.types.names)))
  }

  function leave(reader: Reader, lingers: boolean): void {
    if (!readers.delete(reader)) return
    reader.close()
    clock.clearTimeout(lingering)
    if (lingers && readers.size === 0) lingering = clock.setTimeout(want, LINGER_MS)
    else want()
  }

  /** To everyone who is there now: readers come and go while they are told. */
  function each(tell: (reader: Reader) => void): void {
    for (const reader of [...readers]) if (readers.has(reader)) tell(reader)
  }

  return {
    listener: {
      frame(frame, marks) {
        const before = position ?? frame.id
        if (marks) position = laterOf(position, frame.id)
        if (mayPass(frame)) each((reader) => reader.take(frame, marks, before))
        else if (marks) each((reader) => reader.mark(frame.id))
      },
      mark(id) {
        position = laterOf(position, id)
        each((reader) => reader.mark(id))
      },
      covered(channels, at) {
        covered = channels
        position = at
        each((reader) => reader.cover(channels, at))
      },
      gap(notice) {
        covered = new Set()
        onGap?.()
        each((reader) => reader.lose(notice))
      },
      refused(channels, error) {
        for (const channel of channels) refusals.set(channel, error)
        each((reader) => {
          if (channels.some((channel) => reader.channels.has(channel))) reader.refuse(error)
        })
      },
    },
    get position() {
      return position
    },
    attach(made) {
      source = made
    },
    subscribe({ channels, types, since, lingers = true }, handlers) {
      const named = new Map(channels.map(channelOf).map((channel) => [channel.name, channel]))
      if (named.size === 0 || named.size > MAX_CHANNELS) {
        throw misuse(`subscribe to 1 to ${MAX_CHANNELS} channels, not ${named.size}.`)
      }
      const reader = new Reader({
        channels: named,
        types,
        since,
        handlers,
        clock,
        readPage,
        shownOn,
        mayPass,
        onBehind(isBehind) {
          behind += isBehind ? 1 : -1
          onBehind(behind)
        },
        onOver: () => leave(reader, lingers),
      })
      readers.add(reader)
      clock.clearTimeout(lingering)
      while (wanted().size > MAX_CHANNELS && makeRoom?.());
      want()
      // Not before the caller has what subscribe returns.
      queueMicrotask(() => {
        const refusal = [...named.keys()].map((name) => refusals.get(name)).find(Boolean)
        if (refusal) reader.refuse(refusal)
        else if (position !== null && reader.isWaiting) reader.cover(covered, position)
      })
      return () => leave(reader, lingers)
    },
    close() {
      for (const reader of [...readers]) leave(reader, false)
      clock.clearTimeout(lingering)
    },
  }
}
