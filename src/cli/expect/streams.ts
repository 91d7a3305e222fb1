/** The streams of a run: one for each list of channels, so that every suite is judged as if it were alone. */
import { compareCursors, parseCursor } from '../../../shared/src/cursor.ts'
import type { Api } from '../api/api.ts'
import { includes, isEphemeral } from '../stream/envelope.ts'
import { type EventItem, EventSource, type GapNotice } from '../stream/event-source.ts'
import { passed } from '../stream/log-pages.ts'

export interface StreamsOptions {
  readonly api: Api
  /** Undefined: from the moment on at which all streams are open. */
  readonly since: string | undefined
  readonly waitServer: number | undefined
  readonly signal: AbortSignal
  readonly onLost: (reason: string) => void
  readonly onFound: () => void
  /** All streams are open; events after `from` follow. */
  readonly onOpen: (from: string) => void
  readonly onEvent: (item: EventItem, channels: readonly string[]) => void
  readonly onGap: (notice: GapNotice) => void
  readonly onInvalid: (raw: string) => void
}

interface Stream {
  readonly channels: readonly string[]
  readonly source: EventSource
  opened: string | undefined
}

export class Streams {
  readonly #options: StreamsOptions
  readonly #streams: readonly Stream[]
  #from: string | undefined
  /** What came before all were open. */
  readonly #early: Array<readonly [EventItem, Stream]> = []

  /** Lists of channels; equal ones are the same array. */
  constructor(lists: Iterable<readonly string[]>, options: StreamsOptions) {
    const { api, since = 'now', waitServer, signal, onLost, onFound } = options
    this.#options = options
    this.#streams = [...new Set(lists)].map((channels) => ({
      channels,
      source: new EventSource(api, { ...{ channels, since, waitServer, signal, onLost }, onFound }),
      opened: undefined,
    }))
  }

  /** Until the signal aborts. Rejects with a CommandError if the server refuses a stream; the others then go on. */
  async listen(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => this.#listenTo(stream)))
  }

  /** Up to here everything has been taken from all streams; undefined before that is known. */
  get cursor(): string | undefined {
    const cursors = this.#streams.map(({ source }) => source.cursor)
    return cursors.includes(undefined) ? undefined : cursors.toSorted(byAge)[0]
  }

  isLost(channels: readonly string[]): boolean {
    return this.#streams.some((stream) => stream.channels === channels && stream.source.isLost)
  }

  get areLost(): boolean {
    return this.#streams.some(({ source }) => source.isLost)
  }

  /** Calls back with the channels of each stream when it has passed the id. */
  async whenPassed(id: string, then: (channels: readonly string[]) => void): Promise<void> {
    const { api, signal } = this.#options
    await Promise.all(
      this.#streams.map(async ({ source, channels }) => {
        await passed(source, id, { api, query: { channels }, signal })
        then(channels)
      }),
    )
  }

  async #listenTo(stream: Stream): Promise<void> {
    const { onGap, onInvalid, signal } = this.#options
    for await (const item of stream.source.items()) {
      if (item.kind === 'open') this.#open(stream, item.cursor)
      else if (item.kind === 'event') this.#event(stream, item)
      else if (item.kind === 'invalid') onInvalid(item.raw)
      else if (item.kind === 'gap') onGap(item.notice)
      if (signal.aborted) return
    }
  }

  #open(stream: Stream, cursor: string): void {
    stream.opened ??= cursor
    if (this.#from !== undefined) return
    const opened = this.#streams.flatMap((each) => each.opened ?? [])
    if (opened.length < this.#streams.length) return
    const from = this.#options.since ?? opened.toSorted(byAge).at(-1) ?? cursor
    this.#from = from
    this.#options.onOpen(from)
    for (const [item, from] of this.#early.splice(0)) this.#event(from, item)
  }

  #event(stream: Stream, item: EventItem): void {
    if (this.#from === undefined) {
      this.#early.push([item, stream])
      return
    }
    const { id, event } = item.envelope
    // A stream that opened earlier than the others may have shown it: it came before.
    const isBefore = this.#options.since === undefined && !isEphemeral(event) && includes(this.#from, id)
    if (!isBefore) this.#options.onEvent(item, stream.channels)
  }
}

/** Cursors of one log, the older first. */
function byAge(a: string | undefined, b: string | undefined): number {
  const [one, other] = [parseCursor(a ?? ''), parseCursor(b ?? '')]
  return (one && other && compareCursors(one, other)) ?? 0
}
