import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from '../cli/api/api.ts'
import { Refused } from '../cli/api/api-errors.ts'
import { type Envelope, includes, isEphemeral } from '../cli/stream/envelope.ts'
import { EventSource, type GapNotice } from '../cli/stream/event-source.ts'
import type { Frame, TransportName } from '../cli/stream/transport.ts'
import { ApiError, newestIdIn } from './api.ts'

export interface ReceivedOptions {
  readonly channels: readonly string[]
  readonly types?: readonly string[]
  readonly since?: string
  readonly transport?: TransportName
}

/** A frame, and on which connection of the stream it came. */
export interface ReceivedFrame extends Frame {
  readonly connection: number
}

/** What has come on a stream. It is read all the time, resumes by itself, and keeps everything. */
export class Received {
  readonly api: Api
  readonly channels: readonly string[]
  readonly types: readonly string[]
  readonly transport: TransportName
  readonly events: Envelope[] = []
  /** Control frames, snapshots and repeated frames too. */
  readonly frames: ReceivedFrame[] = []
  readonly gaps: GapNotice[] = []
  readonly opened: Promise<void>
  readonly #source: EventSource
  readonly #end = new AbortController()
  readonly #ended: Promise<void>
  #connection = 0
  #from = ''
  #failure: Error | undefined
  #mark: Mark = { index: 0, gaps: 0, id: '' }
  #watchers: Array<() => void> = []

  constructor(api: Api, options: ReceivedOptions) {
    const { channels, types = [], since = 'now', transport = 'sse' } = options
    this.api = api
    this.channels = channels
    this.types = types
    this.transport = transport
    this.#source = new EventSource(api, {
      ...{ channels, types, since, transport, signal: this.#end.signal },
      onFrame: (frame) => this.#keep(frame),
    })
    let ended = Promise.resolve()
    this.opened = new Promise((resolve, reject) => {
      ended = this.#read(resolve).catch((error: unknown) => {
        this.#failure = error instanceof Refused ? new ApiError('GET', '/sse', error) : (error as Error)
        reject(this.#failure)
        this.#changed()
      })
    })
    this.#ended = ended
  }

  get cursor(): string {
    return this.#source.cursor ?? this.#from
  }

  /** The id that the stream began after. */
  get from(): string {
    return this.#from
  }

  mark(): void {
    const newest = newestIdIn(this.cursor)
    const id = newest !== undefined && includes(newest, this.cursor) ? newest : this.cursor
    this.#mark = { index: this.events.length, gaps: this.gaps.length, id }
  }

  async close(): Promise<void> {
    this.#end.abort()
    await this.#ended
  }

  /** What matchers look at. */
  get view(): StreamView {
    const { index, gaps, id } = this.#mark
    return {
      from: id === '' ? this.#from : id,
      index,
      gap: this.gaps[gaps],
      // An ephemeral event has the newest id, not one of its own.
      isBefore: (envelope) => id !== '' && !isEphemeral(envelope.event) && includes(id, envelope.id),
    }
  }

  /** No more will come. */
  get isOver(): boolean {
    return this.#end.signal.aborted || this.#failure !== undefined
  }

  /** Why nothing comes at the moment although something might; undefined while the connection is there. */
  get lossReason(): string | undefined {
    if (this.#failure !== undefined) return this.#failure.message
    return this.#source.isLost ? `${this.api.baseUrl} cannot be reached` : undefined
  }

  /** Resolves with the next change, at the latest after some milliseconds. */
  async changed(withinMs: number): Promise<void> {
    const timer = new AbortController()
    const change = new Promise<void>((resolve) => this.#watchers.push(resolve))
    const time = sleep(withinMs, undefined, { signal: timer.signal }).catch(() => {}) // not needed any more
    await Promise.race([change, time])
    timer.abort()
  }

  async #read(opened: () => void): Promise<void> {
    for await (const item of this.#source.items()) {
      if (item.kind === 'open') {
        if (this.#from === '') this.#from = item.cursor
        opened()
      } else if (item.kind === 'event') this.events.push(item.envelope)
      else if (item.kind === 'gap') {
        this.gaps.push(item.notice)
        // The stream that was asked for has begun, although not where it should.
        if (this.#from === '') this.#from = item.notice.oldest
        opened()
      }
      this.#changed()
    }
    this.#changed()
  }

  #keep(frame: Frame): void {
    if (isHello(frame)) this.#connection += 1
    this.frames.push({ ...frame, connection: this.#connection })
  }

  #changed(): void {
    const watchers = this.#watchers
    this.#watchers = []
    for (const changed of watchers) changed()
  }
}

interface Mark {
  readonly index: number
  readonly gaps: number
  /** '': nothing was marked. */
  readonly id: string
}

export interface StreamView {
  /** Events after this id. */
  readonly from: string
  /** How many events came before. */
  readonly index: number
  readonly gap: GapNotice | undefined
  isBefore(envelope: Envelope): boolean
}

function isHello({ text }: Frame): boolean {
  try {
    return (JSON.parse(text) as { event?: unknown }).event === 'hello'
  } catch {
    return false // Harmless: it is no hello.
  }
}
