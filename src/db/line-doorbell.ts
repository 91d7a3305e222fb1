/**
 * A doorbell by a line: a channel that every node sends on and listens to, of a database or of a message broker. It keeps
 * the line open by itself, and sends a probe through it now and then: whoever hears nothing of its own probe has lost the
 * line, also when the other end is frozen and nothing reports an error.
 *
 *   ring(7)  ring(8)  ring(9)          one text is on its way at a time
 *   send 7            send 9           those that come meanwhile are joined
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Doorbell } from './doorbell.ts'
import { DoorbellHealth, type DoorbellReports } from './doorbell-health.ts'

export interface Line {
  /** Sends a text to everyone who listens, the sender included. */
  send(text: string): Promise<unknown>
  /**
   * Rejects if a line that has worked has failed. Without it, a text is sent now and then and must come back, which every
   * node hears.
   */
  check?(): Promise<unknown>
}

export interface LineOptions {
  /** The epoch of the log: nodes on different logs do not hear each other. */
  readonly epoch: string
  /** Aborted when the line is to be closed, at any time. */
  readonly signal: AbortSignal
  onHeard(text: string): void
  /** The line has failed. May be called more than once. */
  onLost(error: unknown): void
}

/** Resolves when the line hears everything that is sent from now on. */
export type OpenLine = (options: LineOptions) => Promise<Line>

export interface LineDoorbellOptions extends DoorbellReports {
  readonly open: OpenLine
  epoch(): string
}

const OPEN_WITHIN_MS = 4_000
const PROBE_EVERY_MS = 1_500
const HEARD_WITHIN_MS = 2_500
const RETRY_AFTER_MS = { least: 100, most: 2_000 }
/** The head that a probe names: it wakes nobody. */
const PROBE = 0

export class LineDoorbell implements Doorbell {
  /** Resolves when the first attempt to open the line has succeeded or failed. */
  readonly tried: Promise<void>
  readonly #options: LineDoorbellOptions
  readonly #health: DoorbellHealth
  readonly #listeners = new Set<(head: number) => void>()
  readonly #stopping = new AbortController()
  #sender: Sender | null = null

  constructor(options: LineDoorbellOptions) {
    this.#options = options
    this.#health = new DoorbellHealth('degraded', options)
    this.tried = new Promise((resolve) => {
      void this.#keepOpen(resolve)
    })
  }

  get status(): 'ok' | 'degraded' {
    return this.#health.status
  }

  /** Without a line nothing is sent: the other nodes find it when they poll. */
  ring(head: number): void {
    this.#sender?.ring(head)
  }

  onRing(listener: (head: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #keepOpen(onTried: () => void): Promise<void> {
    const { signal } = this.#stopping
    let pause = RETRY_AFTER_MS.least
    const onWorks = () => {
      pause = RETRY_AFTER_MS.least
      this.#health.works()
      onTried()
    }
    while (!signal.aborted) {
      try {
        await this.#keepLine(onWorks)
      } catch (error) {
        if (!signal.aborted) this.#health.fails(error)
      }
      onTried()
      await delay(pause, undefined, { ref: false, signal }).catch(() => {})
      pause = Math.min(2 * pause, RETRY_AFTER_MS.most)
    }
  }

  /** Opens a line and keeps it. Rejects when it has failed; resolves when another one is needed. */
  async #keepLine(onWorks: () => void): Promise<void> {
    const closing = new AbortController()
    const { signal } = closing
    const close = () => closing.abort()
    this.#stopping.signal.addEventListener('abort', close, { once: true })
    try {
      await new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        this.#probeLine(closing, onWorks).then(resolve, reject)
      })
    } finally {
      this.#sender = null
      this.#stopping.signal.removeEventListener('abort', close)
      closing.abort()
    }
  }

  async #probeLine(closing: AbortController, onWorks: () => void): Promise<void> {
    const { signal } = closing
    const epoch = this.#options.epoch()
    const onLost = (error: unknown) => closing.abort(error)
    let onEcho = () => {}
    const onHeard = (text: string) => {
      if (signal.aborted) return
      onEcho()
      this.#hear(text, epoch)
    }
    const line = await inTime(this.#options.open({ epoch, signal, onHeard, onLost }), OPEN_WITHIN_MS)
    signal.throwIfAborted()
    this.#sender = new Sender(line, epoch, onLost)
    const probe = () => {
      const echo = new Promise<void>((resolve) => {
        onEcho = resolve
      })
      return Promise.all([line.send(textOf(epoch, PROBE)), echo])
    }
    for (let isFirst = true; this.#options.epoch() === epoch; isFirst = false) {
      await inTime<unknown>(line.check && !isFirst ? line.check() : probe(), HEARD_WITHIN_MS)
      signal.throwIfAborted()
      onWorks()
      await delay(PROBE_EVERY_MS, undefined, { ref: false, signal })
    }
  }

  #hear(text: string, epoch: string): void {
    const head = headIn(text, epoch)
    if (head > PROBE) for (const listener of this.#listeners) listener(head)
  }
}

/** Sends rings on one line, one at a time. */
class Sender {
  readonly #line: Line
  readonly #epoch: string
  readonly #onLost: (error: unknown) => void
  #wanted = 0
  #isSending = false

  constructor(line: Line, epoch: string, onLost: (error: unknown) => void) {
    this.#line = line
    this.#epoch = epoch
    this.#onLost = onLost
  }

  ring(head: number): void {
    this.#wanted = Math.max(this.#wanted, head)
    if (this.#isSending) return
    this.#isSending = true
    this.#sendAll().catch(this.#onLost)
  }

  async #sendAll(): Promise<void> {
    for (let sent = 0; sent < this.#wanted; ) {
      sent = this.#wanted
      await this.#line.send(textOf(this.#epoch, sent))
    }
    this.#wanted = 0
    this.#isSending = false
  }
}

/** What travels: where the log stands, and nothing of what it holds. */
function textOf(epoch: string, head: number): string {
  return `${epoch}:${head}`
}

/** 0 for a text of another log, or of somebody else. */
function headIn(text: string, epoch: string): number {
  const [, of, head] = /^([^:]*):(\d{1,15})$/.exec(text) ?? []
  return of === epoch ? Number(head) : 0
}

/** Rejects when the promise has not settled in time, by when what has arrived was looked at. */
function inTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // A busy event loop runs the timer before it reads what came long ago.
      setImmediate(() => setImmediate(() => reject(new Error(`no answer within ${ms / 1_000} s`))))
    }, ms)
    timer.unref()
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
