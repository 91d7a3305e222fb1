/** Subscriptions: what they select, and reading one as an async iterator. */
import { type Channel, parseChannel } from '../../../shared/src/channels.ts'
import { CONTROL, EVERYONE, MAX_CHANNELS } from '../../../shared/src/protocol.ts'
import { type TypeFilter, typeFilter } from '../../../shared/src/type-filter.ts'
import { misuse } from '../base/errors.ts'
import type { Frame, SubscribeHandlers, SubscribeOptions } from '../base/types.ts'

/** What a subscription selects from the stream. */
export interface Selection {
  /** By name. */
  readonly channels: ReadonlyMap<string, Channel>
  readonly types: TypeFilter
  readonly since: string | undefined
  readonly lingers: boolean
}

/** Throws for channels that would make the server refuse the whole stream. */
export function select({ channels, types, since, lingers = true }: SubscribeOptions): Selection {
  const named = new Map(channels.map(channelOf).map((channel) => [channel.name, channel]))
  if (named.size === 0 || named.size > MAX_CHANNELS) {
    throw misuse(`subscribe to 1 to ${MAX_CHANNELS} channels, not ${named.size}.`)
  }
  return { channels: named, types: typeFilter(types ?? []), since, lingers }
}

function channelOf(text: string): Channel {
  const channel = parseChannel(text.replace(/^(board:.*);diff$/, '$1'))
  if (channel) return channel
  const fix = text.endsWith(';full') ? 'hub.board(id)' : 'board:ID, agent:ID, global'
  throw misuse(`"${text}" cannot be subscribed to: use ${fix}.`)
}

/**
 * The events of a subscription, one after the other. Events that were not read yet are kept without bound: read them, or
 * leave the loop. A `gap` comes as a frame of that name on channel `*`; a refusal is thrown.
 */
export interface Subscription extends AsyncIterableIterator<Frame, undefined, undefined> {
  return(): Promise<IteratorResult<Frame, undefined>>
}

export function iterate(subscribe: (handlers: SubscribeHandlers) => () => void, now: () => number): Subscription {
  const frames: Frame[] = []
  /** How many of `frames` were read. */
  let read = 0
  let failure: Error | undefined
  let hasEnded = false
  const waiting: Array<{ resolve(result: IteratorResult<Frame, undefined>): void; reject(error: Error): void }> = []
  const unsubscribe = subscribe({
    event: push,
    gap: (data) => push({ channel: EVERYONE, event: CONTROL.gap, data, timestamp: now(), id: data.oldest }),
    error(error) {
      failure = error
      end()
    },
  })

  function push(frame: Frame): void {
    const first = waiting.shift()
    if (first) first.resolve({ done: false, value: frame })
    else frames.push(frame)
  }

  function end(): void {
    hasEnded = true
    unsubscribe()
    for (const { resolve, reject } of waiting.splice(0)) {
      if (failure) reject(failure)
      else resolve({ done: true, value: undefined })
    }
  }

  return {
    next() {
      const frame = frames[read]
      if (frame) {
        read += 1
        // Removed in blocks: removing one at a time would move all the others each time.
        if (read === 1_000 || read === frames.length) frames.splice(0, read).length = read = 0
        return Promise.resolve({ done: false, value: frame })
      }
      if (failure) return Promise.reject(failure)
      if (hasEnded) return Promise.resolve({ done: true, value: undefined })
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    return() {
      frames.length = read = 0
      failure = undefined
      end()
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
