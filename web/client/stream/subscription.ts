/** Subscriptions: what they select, and reading one as an async iterator. */
import { type Channel, parseChannel } from '../../../shared/src/channels.ts'
import { CONTROL, EVERYONE, MAX_CHANNELS } from '../../../shared/src/protocol.ts'
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

export interface TypeFilter {
  /** As the server spells it; empty for all. */
  readonly text: string
  /** The names without a `*`. An EventSource must ask for them if the server does not know `names=0`. */
  readonly names: readonly string[]
  /** Null for all. */
  readonly passes: ((event: string) => boolean) | null
}

/** Throws for channels that would make the server refuse the whole stream. */
export function select({ channels, types, since, lingers = true }: SubscribeOptions): Selection {
  const named = new Map(channels.map(channelOf).map((channel) => [channel.name, channel]))
  if (named.size === 0 || named.size > MAX_CHANNELS) {
    throw misuse(`subscribe to 1 to ${MAX_CHANNELS} channels, not ${named.size}.`)
  }
  return { channels: named, types: typeFilter(types), since, lingers }
}

function channelOf(text: string): Channel {
  const channel = parseChannel(text.replace(/^(board:.*);diff$/, '$1'))
  if (channel) return channel
  const fix = text.endsWith(';full') ? 'hub.board(id)' : 'board:ID, agent:ID, global'
  throw misuse(`"${text}" cannot be subscribed to: use ${fix}.`)
}

function typeFilter(types: readonly string[] = []): TypeFilter {
  const given = types.map((type) => type.trim()).filter((type) => type !== '')
  const prefixes = given.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1))
  const names = given.filter((type) => !type.endsWith('*'))
  if (given.length === 0 || prefixes.includes('')) return { text: '', names, passes: null }
  return {
    text: given.join(','),
    names,
    passes: (event) => names.includes(event) || prefixes.some((prefix) => event.startsWith(prefix)),
  }
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
