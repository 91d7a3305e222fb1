/** The leader's stream: everything that it delivers goes to this tab and, in batches of one task, to the others. */
import type { BoardcastError } from '../base/errors.ts'
import type { Frame, GapNotice, Status, StreamListener } from '../base/types.ts'
import type { Connection } from '../connection/connection.ts'
import type { ListenerCall, TabMessage, TabWants } from './tab-messages.ts'

export interface LeaderOptions {
  /** Where the stream starts: the furthest cursor of all tabs. */
  readonly cursor: string | null
  connect(listener: StreamListener, cursor: string | null): Connection
  /** To this tab. */
  deliver(call: ListenerCall): void
  /** To the other tabs. */
  send(message: TabMessage): void
  onStatus(status: Status): void
}

export class Leader implements StreamListener {
  readonly #options: LeaderOptions
  readonly #connection: Connection
  readonly #refused = new Map<string, readonly [message: string, status: number | undefined]>()
  #covered: ReadonlySet<string> = new Set()
  #batch: ListenerCall[] = []

  constructor(options: LeaderOptions) {
    this.#options = options
    this.#connection = options.connect(this, options.cursor)
    this.#connection.status.subscribe(() => options.onStatus(this.status))
  }

  get status(): Status {
    return this.#connection.status.get()
  }

  /** What all tabs want together. */
  want(wants: readonly TabWants[]): void {
    const channels = new Set(wants.flatMap((each) => each.channels))
    for (const channel of this.#refused.keys()) if (!channels.has(channel)) this.#refused.delete(channel)
    this.#connection.want(channels, new Set(wants.flatMap((each) => each.names)))
  }

  reconnect(): void {
    this.#connection.reconnect()
  }

  close(): void {
    this.#connection.close()
  }

  /** Sends what a tab that wants these channels must know, after what is in the current batch. */
  inform({ channels, isNew }: TabWants & { readonly isNew: boolean }): void {
    const { send } = this.#options
    const calls: ListenerCall[] = channels.flatMap((channel) => {
      const refusal = this.#refused.get(channel)
      return refusal ? [['refused', [channel], ...refusal] as const] : []
    })
    const { cursor } = this.#connection
    if (cursor !== null && isNew) calls.push(['covered', [...this.#covered], cursor])
    queueMicrotask(() => {
      if (calls.length > 0) send({ kind: 'relay', calls })
      if (isNew) send({ kind: 'status', status: this.status })
    })
  }

  frame(frame: Frame, isCheckpoint: boolean): void {
    this.#relay(['frame', frame, isCheckpoint])
  }

  checkpoint(id: string): void {
    this.#relay(['checkpoint', id])
  }

  covered(channels: ReadonlySet<string>, cursor: string): void {
    this.#covered = channels
    this.#relay(['covered', [...channels], cursor])
  }

  gap(notice: GapNotice): void {
    this.#relay(['gap', notice])
  }

  refused(channels: readonly string[], { message, status }: BoardcastError): void {
    for (const channel of channels) this.#refused.set(channel, [message, status])
    this.#relay(['refused', channels, message, status])
  }

  #relay(call: ListenerCall): void {
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush())
    this.#batch.push(call)
    this.#options.deliver(call)
  }

  #flush(): void {
    this.#options.send({ kind: 'relay', calls: this.#batch })
    this.#batch = []
  }
}
