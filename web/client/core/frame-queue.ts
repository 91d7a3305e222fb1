/** A subscription as an async iterator. */
import { CONTROL, EVERYONE } from '../../../shared/src/protocol.ts'
import type { Frame, SubscribeHandlers } from './types.ts'

/**
 * The events of a subscription, one after the other. What was not taken yet is kept without bound: take it, or leave the
 * loop. A `gap` comes as a frame of that name on channel `*`; a refusal is thrown.
 */
export interface Subscription extends AsyncIterableIterator<Frame, undefined, undefined> {
  return(): Promise<IteratorResult<Frame, undefined>>
}

export function iterate(subscribe: (handlers: SubscribeHandlers) => () => void, now: () => number): Subscription {
  const frames: Frame[] = []
  let taken = 0
  let failure: Error | undefined
  let isOver = false
  const asked: Array<{ resolve(result: IteratorResult<Frame, undefined>): void; reject(error: Error): void }> = []
  const undo = subscribe({
    event: push,
    gap: (data) => push({ channel: EVERYONE, event: CONTROL.gap, data, timestamp: now(), id: data.oldest }),
    error(error) {
      failure = error
      end()
    },
  })

  function push(frame: Frame): void {
    const first = asked.shift()
    if (first) first.resolve({ done: false, value: frame })
    else frames.push(frame)
  }

  function end(): void {
    isOver = true
    undo()
    for (const { resolve, reject } of asked.splice(0)) {
      if (failure) reject(failure)
      else resolve({ done: true, value: undefined })
    }
  }

  return {
    next() {
      const frame = frames[taken]
      if (frame) {
        taken += 1
        // In blocks: taking the first of many one by one would move the rest each time.
        if (taken === 1_000 || taken === frames.length) frames.splice(0, taken).length = taken = 0
        return Promise.resolve({ done: false, value: frame })
      }
      if (failure) return Promise.reject(failure)
      if (isOver) return Promise.resolve({ done: true, value: undefined })
      return new Promise((resolve, reject) => asked.push({ resolve, reject }))
    },
    return() {
      frames.length = taken = 0
      failure = undefined
      end()
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
