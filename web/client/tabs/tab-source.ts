/**
 * One stream for all tabs of a browser: one tab has it and relays it to the others. Where the browser refuses what this
 * needs, or it does not work, the tab falls back to a stream of its own.
 */
import { DEFAULT_BACKOFF, delayMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { BoardcastError } from '../base/errors.ts'
import { laterOf } from '../base/frames.ts'
import { isFirefox, watchPage } from '../base/page-lifecycle.ts'
import { createStore, type WritableStore } from '../base/store.ts'
import type { Status, StreamListener, StreamSource } from '../base/types.ts'
import type { Connection } from '../connection/connection.ts'
import { TabGroup } from './tab-group.ts'
import type { ListenerCall, Tabs, TabWants } from './tab-messages.ts'

export { identityOf } from './identity.ts'
export { browserTabs } from './tab-messages.ts'

/** A navigation that takes longer than this was cancelled, or was a download. */
const LEAVING_MS = 5_000
/** A tab that loses its lock more often than this within a minute cannot rely on locks. */
const MAX_LOSSES = 5
const LOSSES_WITHIN_MS = 60_000

export interface TabSourceOptions {
  /** The same for all tabs that may share. Undefined until it is known: see `identify`. */
  readonly name?: string | undefined
  readonly tabs: Tabs
  readonly clock: Clock
  readonly listener: StreamListener
  readonly idle: Status
  /** Finds out the name, and calls `identified`. May reject, and is called again then. */
  readonly identify?: (() => Promise<unknown>) | undefined
  connect(listener: StreamListener, cursor: string | null): Connection
}

export class TabSource implements StreamSource {
  readonly status: WritableStore<Status>
  readonly #options: TabSourceOptions
  readonly #unwatch: () => void
  #wants: TabWants = { channels: [], names: [], cursor: null }
  #name: string | undefined
  #group: TabGroup | null = null
  /** This tab's own stream, once it has turned out that it cannot share. */
  #alone: Connection | null = null
  #isClosed = false
  /** When this tab lost a lock. */
  readonly #losses: number[] = []
  #rejoining: unknown
  #identifying: unknown

  constructor(options: TabSourceOptions) {
    this.#options = options
    this.#name = options.name
    this.status = createStore<Status>({ ...options.idle, role: 'follower' })
    this.#unwatch = watchPage({
      woke() {},
      left: () => this.#leave(),
      // Firefox does not cache a page that holds a lock when the navigation begins. If it is cancelled, the tab joins again.
      ...(isFirefox() && {
        leaving: () => {
          if (!this.#group) return
          this.#leave()
          this.#rejoining = options.clock.setTimeout(() => this.#join(), LEAVING_MS)
        },
      }),
      returned: () => this.#join(),
    })
    this.#join()
    void this.#identify(0)
  }

  /**
   * Tabs of this name may share with this one. It leaves those of another name, and goes on from where it is. Undefined:
   * none may.
   */
  identified(name: string | undefined): void {
    if (name === undefined) this.#standAlone()
    else if (name !== this.#name) {
      this.#name = name
      this.#leave()
      this.#join()
    }
  }

  want(channels: ReadonlySet<string>, names: ReadonlySet<string>): void {
    const cursor = channels.size > 0 ? this.#wants.cursor : null
    this.#wants = { channels: [...channels], names: [...names], cursor }
    if (this.#alone) this.#alone.want(channels, names)
    else this.#group?.wantsChanged()
  }

  reconnect(): void {
    const { identify } = this.#options
    if (this.#alone) this.#alone.reconnect()
    else if (!identify) this.#group?.reconnect()
    // Somebody else may have signed in, who has another stream.
    else
      void identify().then(
        () => this.#group?.reconnect(),
        () => undefined,
      )
  }

  close(): void {
    this.#isClosed = true
    this.#unwatch()
    this.#options.clock.clearTimeout(this.#identifying)
    this.#leave()
    this.#alone?.close()
    this.status.set({ ...this.status.get(), phase: 'stopped', stop: { reason: 'closed' }, nextRetryAt: null })
  }

  async #identify(failures: number): Promise<void> {
    const { identify, clock } = this.#options
    try {
      await identify?.()
    } catch (error) {
      if (this.#isClosed || this.#name !== undefined) return
      const phase = failures > 0 ? 'reconnecting' : 'connecting'
      this.status.set({ ...this.status.get(), phase, detail: `no credentials: ${error}` })
      const inMs = delayMs(DEFAULT_BACKOFF, failures + 1)
      this.#identifying = clock.setTimeout(() => void this.#identify(failures + 1), inMs)
    }
  }

  #join(): void {
    const name = this.#name
    if (name === undefined || this.#group || this.#alone || this.#isClosed) return
    const { tabs, clock, connect } = this.#options
    const ifCurrent = (then: () => void) => () => {
      if (this.#group === group) then()
    }
    let group: TabGroup | undefined
    try {
      group = new TabGroup({
        name,
        tabs,
        clock,
        connect,
        wants: () => this.#wants,
        deliver: (call) => this.#deliver(call),
        onStatus: (status, role) => this.status.set({ ...status, role }),
        phase: () => this.status.get().phase,
        isSignedOut: () => this.status.get().stop?.reason === 'unauthenticated',
        onLost: ifCurrent(() => this.#rejoin()),
        onUnusable: ifCurrent(() => this.#standAlone()),
      })
      this.#group = group
    } catch {
      this.#standAlone()
    }
  }

  #leave(): void {
    this.#options.clock.clearTimeout(this.#rejoining)
    const group = this.#group
    this.#group = null
    group?.leave()
  }

  /** Joins again, last in the queue for the lead. */
  #rejoin(): void {
    const { clock } = this.#options
    this.#leave()
    this.status.set({ ...this.status.get(), role: 'follower' })
    const now = clock.now()
    this.#losses.push(now)
    while ((this.#losses[0] ?? now) < now - LOSSES_WITHIN_MS) this.#losses.shift()
    const losses = this.#losses.length
    if (losses > MAX_LOSSES) this.#standAlone()
    else if (losses === 1) this.#join()
    // Something that steals the lock each time must not keep the page busy.
    else this.#rejoining = clock.setTimeout(() => this.#join(), 100 + delayMs(DEFAULT_BACKOFF, losses))
  }

  /** Continues with a stream of this tab's own, from where this tab is. */
  #standAlone(): void {
    if (this.#alone || this.#isClosed) return
    this.#leave()
    const { connect, listener } = this.#options
    const { channels, names, cursor } = this.#wants
    const connection = connect(listener, cursor)
    this.#alone = connection
    const show = () => this.status.set(connection.status.get())
    connection.status.subscribe(show)
    if (channels.length > 0) connection.want(new Set(channels), new Set(names))
    show()
  }

  #deliver(call: ListenerCall): void {
    const { listener } = this.#options
    switch (call[0]) {
      case 'frame':
        if (call[2]) this.#advance(call[1].id)
        listener.frame(call[1], call[2])
        break
      case 'checkpoint':
        this.#advance(call[1])
        listener.checkpoint(call[1])
        break
      case 'covered':
        this.#wants = { ...this.#wants, cursor: this.#wants.channels.length > 0 ? call[2] : null }
        listener.covered(new Set(call[1]), call[2])
        break
      case 'gap':
        listener.gap(call[1])
        break
      case 'refused': {
        const [, channels, message, status] = call
        listener.refused(channels, new BoardcastError('refused', message, status === undefined ? {} : { status }))
        break
      }
      default:
        call satisfies never
    }
  }

  #advance(id: string): void {
    if (this.#wants.channels.length > 0) this.#wants = { ...this.#wants, cursor: laterOf(this.#wants.cursor, id) }
  }
}
