/**
 * A tab's part in the group that shares a stream, from joining to leaving. The tab that holds the lock leads; when it goes
 * away, the browser gives the lock to the next one.
 *
 * No event is lost when the leader changes. The new leader asks every tab for its cursor, and resumes the stream from the
 * furthest: the stream joins lines of output, so only a tab whose cursor is not beyond the start of the stream can be
 * certain that nothing comes twice. Tabs that are further back read the events in between from the log, as every reader
 * does whose stream starts later than its cursor.
 */
import type { Clock } from '../base/clock.ts'
import { laterOf } from '../base/frames.ts'
import type { Status, StreamListener } from '../base/types.ts'
import type { Connection } from '../connection/connection.ts'
import { Leader } from './leader.ts'
import { TabLocks } from './tab-locks.ts'
import type { ListenerCall, SentMessage, TabChannel, TabMessage, Tabs, TabWants } from './tab-messages.ts'

/** A new leader waits this long for the cursors of other tabs. A tab that is too busy to answer reads pages instead. */
const ANSWER_MS = 300
/** The leader relays every heartbeat. After four missing ones it hangs, and another tab takes the lead. */
const HANGS_MS = 60_000
/** A lock that no other tab asks for is granted at once. */
const GRANTED_MS = 5_000
/** A leader answers a new tab at once. */
const SILENT_MS = 30_000

export interface TabGroupOptions {
  /** The same for all tabs that may share. */
  readonly name: string
  readonly tabs: Tabs
  readonly clock: Clock
  /** What this tab wants. */
  wants(): TabWants
  deliver(call: ListenerCall): void
  /** `role` is of this tab. */
  onStatus(status: Status, role: Status['role']): void
  /** The phase of the stream, as this tab sees it. */
  phase(): Status['phase']
  /** The stream has stopped because its credentials were refused. */
  isSignedOut(): boolean
  /** This tab has lost a lock, or another tab leads too: it must join again. */
  onLost(): void
  /** Locks or messages do not work here. */
  onUnusable(): void
  connect(listener: StreamListener, cursor: string | null): Connection
}

export class TabGroup {
  readonly #options: TabGroupOptions
  readonly #id = randomId()
  readonly #channel: TabChannel
  readonly #locks: TabLocks
  readonly #controller = new AbortController()
  /** What the other tabs want, by their ids. */
  readonly #wants = new Map<string, TabWants>()
  /** This tab holds its lock, and may send messages. */
  #isKnown = false
  #leaderId: string | null = null
  #leader: Leader | null = null
  /** The leader that was asked to reconnect, until its credentials turn out to be refused. */
  #takesLeadOf: string | null = null
  #watchdog: unknown
  /** Runs until this tab has its lock, then until it knows of a leader. */
  #patience: unknown

  /** Throws where the browser refuses BroadcastChannel. */
  constructor(options: TabGroupOptions) {
    const { name, tabs, clock, onLost, onUnusable } = options
    this.#options = options
    this.#channel = new tabs.BroadcastChannel(name)
    this.#channel.onmessage = ({ data }) => this.#receive(data)
    this.#locks = new TabLocks({
      locks: tabs.locks,
      name,
      id: this.#id,
      signal: this.#controller.signal,
      onLost,
      onRefused: onUnusable,
    })
    this.#patience = clock.setTimeout(onUnusable, GRANTED_MS)
    this.#locks.holdOwn(() => this.#join())
  }

  /** What this tab wants has changed. */
  wantsChanged(): void {
    if (this.#leader) this.#wantTogether(this.#leader)
    else this.#send({ kind: 'wants', isNew: false, ...this.#options.wants() })
  }

  reconnect(): void {
    if (this.#leader) this.#leader.reconnect()
    else if (this.#options.isSignedOut()) this.#takeLead()
    else {
      this.#takesLeadOf = this.#leaderId
      this.#send({ kind: 'reconnect' })
    }
  }

  /** The leader's credentials were refused. Those of this tab may be newer. */
  #takeLead(): void {
    this.#takesLeadOf = null
    this.#locks.stealLead(() => this.#lead())
  }

  leave(): void {
    const { clock } = this.#options
    const leader = this.#leader
    this.#leader = null
    this.#send({ kind: 'leaves' })
    this.#controller.abort()
    clock.clearTimeout(this.#watchdog)
    clock.clearTimeout(this.#patience)
    leader?.close()
    this.#channel.onmessage = null
    this.#channel.close()
  }

  #join(): void {
    const { clock, wants, onUnusable } = this.#options
    this.#isKnown = true
    clock.clearTimeout(this.#patience)
    this.#patience = clock.setTimeout(() => this.#leaderId === null && onUnusable(), SILENT_MS)
    this.#send({ kind: 'wants', isNew: true, ...wants() })
    this.#locks.holdLead(() => this.#lead())
  }

  async #lead(): Promise<void> {
    const { clock, wants, deliver, connect, onStatus } = this.#options
    clock.clearTimeout(this.#watchdog)
    this.#leaderId = this.#id
    await this.#collectWants()
    if (this.#controller.signal.aborted) return
    const leader = new Leader({
      cursor: [...this.#wants.values()].reduce((furthest, { cursor }) => laterOf(furthest, cursor), wants().cursor),
      connect,
      deliver,
      send: (message) => this.#send(message),
      onStatus: (status) => {
        // The stream of a tab that leaves ends, but not that of the others.
        if (this.#leader !== leader) return
        onStatus(status, 'leader')
        this.#send({ kind: 'status', status })
      },
    })
    this.#leader = leader
    onStatus(leader.status, 'leader')
    this.#send({ kind: 'status', status: leader.status })
    for (const id of this.#wants.keys()) this.#forgetWhenClosed(id)
    this.#wantTogether(leader)
  }

  /** Asks every tab what it wants, and waits until all that are awake have answered. */
  async #collectWants(): Promise<void> {
    const { clock } = this.#options
    this.#wants.clear()
    this.#send({ kind: 'leads' })
    const end = clock.now() + ANSWER_MS
    const timeout = new Promise<string[]>((resolve) => clock.setTimeout(() => resolve([]), ANSWER_MS))
    const others = await Promise.race([this.#locks.others(), timeout])
    const isWaiting = () => others.some((id) => !this.#wants.has(id)) && clock.now() < end
    while (isWaiting() && !this.#controller.signal.aborted) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 10))
    }
  }

  #forgetWhenClosed(id: string): void {
    this.#locks.whenClosed(id, () => this.#forget(id))
  }

  #forget(id: string): void {
    this.#wants.delete(id)
    if (this.#leader) this.#wantTogether(this.#leader)
  }

  #wantTogether(leader: Leader): void {
    leader.want([this.#options.wants(), ...this.#wants.values()])
  }

  #receive(message: SentMessage): void {
    const { wants, deliver, onStatus, onLost, isSignedOut } = this.#options
    const { from, kind } = message
    switch (kind) {
      case 'wants': {
        const isUnknown = !this.#wants.has(from)
        this.#wants.set(from, message)
        if (message.isNew) this.#send({ kind: 'wants', isNew: false, ...wants() })
        if (this.#leader) {
          if (isUnknown) this.#forgetWhenClosed(from)
          this.#wantTogether(this.#leader)
          this.#leader.inform(message)
        }
        break
      }
      case 'leaves':
        this.#forget(from)
        break
      case 'leads':
        // The lead of this tab was stolen, and the browser has not reported it yet.
        if (this.#leader) onLost()
        else {
          this.#leaderId = from
          this.#send({ kind: 'wants', isNew: false, ...wants() })
          this.#watchLeader()
        }
        break
      case 'relay':
        this.#leaderId ??= from
        if (this.#leaderId !== from) break
        this.#watchLeader()
        for (const call of message.calls) deliver(call)
        break
      case 'status':
        this.#leaderId ??= from
        if (this.#leaderId !== from) break
        onStatus(message.status, 'follower')
        if (message.status.phase === 'open') this.#takesLeadOf = null
        if (this.#takesLeadOf === from && isSignedOut()) this.#takeLead()
        break
      case 'reconnect':
        this.#leader?.reconnect()
        break
      default:
        kind satisfies never
    }
  }

  /** Takes the lead when the leader has an open stream but does not relay even its heartbeats. */
  #watchLeader(): void {
    const { clock, phase } = this.#options
    clock.clearTimeout(this.#watchdog)
    this.#watchdog = clock.setTimeout(
      () => {
        if (phase() === 'open') this.#locks.stealLead(() => this.#lead())
        else this.#watchLeader()
      },
      HANGS_MS * (1 + 0.2 * Math.random()),
    )
  }

  #send(message: TabMessage): void {
    if (!this.#isKnown || this.#controller.signal.aborted) return
    try {
      this.#channel.postMessage({ ...message, from: this.#id })
    } catch {
      // Not at once, because the caller may be in the middle of a change of state.
      queueMicrotask(() => this.#controller.signal.aborted || this.#options.onUnusable())
    }
  }
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(2)), (number) => number.toString(36)).join('')
}
