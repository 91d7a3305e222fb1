/** A hub that a test controls: the stream, its events, the answers to requests, and the clock. */
import type { Clock } from '../../../web/client/base/clock.ts'
import { createStore } from '../../../web/client/base/store.ts'
import type {
  Frame,
  GapNotice,
  HubCore,
  Phase,
  Reply,
  Status,
  SubscribeHandlers,
  SubscribeOptions,
} from '../../../web/client/base/types.ts'
// So that stores open within the call.
import '../../../web/client/stores/all-stores.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly body: unknown
  answer(body: unknown, eventId?: string): Promise<void>
  fail(reason: Error): Promise<void>
}

interface Reader {
  readonly options: SubscribeOptions
  readonly handlers: SubscribeHandlers
}

export const EPOCH = '0000abcd'
export const at = (seq: number, epoch = EPOCH) => `${epoch}-${seq}`

export class StubHub implements HubCore {
  readonly readers = new Set<Reader>()
  /** Requests without an answer, in order. */
  readonly asked: Asked[] = []
  readonly clock = new HandClock()
  readonly status = createStore<Status>({
    phase: 'idle',
    attempt: 0,
    nextRetryAt: null,
    lastFrameAt: null,
    lastEventId: null,
    role: 'alone',
    transport: null,
    unreadable: 0,
    invalid: 0,
    unknown: 0,
  })

  readonly subscribe = (options: SubscribeOptions, handlers: SubscribeHandlers) => {
    const reader = { options, handlers }
    this.readers.add(reader)
    return () => {
      this.readers.delete(reader)
    }
  }

  readonly request = <T>(method: string, path: string, body?: unknown): Promise<Reply<T>> =>
    new Promise((resolve, reject) => {
      this.asked.push({
        method,
        path,
        body,
        answer: (answered, eventId) => {
          resolve({ status: 200, body: structuredClone(answered) as T, eventId: eventId ?? null })
          return settled()
        },
        fail: (reason) => {
          reject(reason)
          return settled()
        },
      })
    })

  /** The oldest request. */
  next(): Asked {
    const asked = this.asked.shift()
    if (!asked) throw new Error('nothing was asked')
    return asked
  }

  phase(phase: Phase): void {
    this.status.set({ ...this.status.get(), phase })
  }

  ready(seq: number): void {
    this.phase('open')
    for (const { handlers } of [...this.readers]) handlers.ready?.(at(seq))
  }

  emit(seq: number, event: string, data: unknown, channel = 'any'): void {
    const frame: Frame = { channel, event, data, id: at(seq), timestamp: 1_800_000_000_000 + seq }
    for (const { handlers } of [...this.readers]) handlers.event?.(frame)
  }

  gap(): void {
    const notice: GapNotice = { requested: at(1), oldest: at(2), reason: 'trimmed' }
    for (const { handlers } of [...this.readers]) handlers.gap?.(notice)
  }

  refuse(error: Error): void {
    for (const { handlers } of [...this.readers]) handlers.error?.(error)
  }
}

/** A clock that only a test advances. */
export class HandClock implements Clock {
  #now = 1_800_000_000_000
  readonly #timers = new Set<{ readonly due: number; readonly callback: () => void }>()

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const timer = { due: this.#now + ms, callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as { due: number; callback: () => void })
  }

  get waiting(): number {
    return this.#timers.size
  }

  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const [next] = [...this.#timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)
      if (!next) break
      this.#timers.delete(next)
      this.#now = next.due
      next.callback()
    }
    this.#now = end
  }
}

/** Lets everything run that waits only for promises. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
