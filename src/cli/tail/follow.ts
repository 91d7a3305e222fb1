/** Follows the events of a selection until something ends it. What is done with each event is the caller's. */
import type { Api } from '../api/api.ts'
import { CommandError, exitCode, firstOf } from '../process/exit.ts'
import type { Talk } from '../process/output.ts'
import { type EventItem, EventSource, type GapNotice } from '../stream/event-source.ts'
import { passed } from '../stream/log-pages.ts'
import type { TransportName } from '../stream/transport.ts'
import { lossNotice } from './loss-notice.ts'
import type { Selection } from './selection.ts'

export interface FollowOptions {
  readonly api: Api
  readonly selection: Selection
  /** A cursor, `now` or `earliest`. */
  readonly since: string
  readonly transport?: TransportName | undefined
  readonly waitServer?: number | undefined
  /** Ends after so many events. An event with several names is one, and is never split. */
  readonly limit?: number | undefined
  /** In milliseconds, from now on. */
  readonly timeout?: number | undefined
  /** A gap, or an event that breaks its schema, ends it. */
  readonly strict?: boolean | undefined
  readonly talk: Talk
  /** Ends it: a signal, or a reader that has gone away. */
  readonly stop: AbortSignal
  /** Called with the cursor when the stream has begun. Once what it returns resolves to an id, it ends at that id. */
  readonly opened?: (cursor: string) => Promise<string> | undefined
  /** Called for each wanted event, one at a time. What it returns ends the loop as the reason for the exit code. */
  readonly take: (item: EventItem, signal: AbortSignal) => Promise<number | undefined>
  /** Everything up to this event has been taken. */
  readonly taken?: (id: string) => Promise<void> | void
}

/** Resolves to the exit code. Throws a CommandError if the server refuses the stream. */
export async function follow(options: FollowOptions): Promise<number> {
  const { api, selection, since, transport, waitServer, limit, timeout, strict = false, talk, opened } = options
  const end = new AbortController()
  const stop = () => end.abort()
  options.stop.addEventListener('abort', stop, { once: true })
  if (options.stop.aborted) stop()
  const codes = new Set<number>()
  let isTimeUp = false
  const timer = timeout === undefined ? undefined : setTimeout(timeIsUp, timeout)

  const loss = lossNotice(api.baseUrl, talk)
  const query = { channels: selection.channels, types: selection.types }
  const source = new EventSource(api, {
    ...query,
    since,
    ...(transport && { transport }),
    waitServer,
    signal: end.signal,
    onLost: loss.lost,
    onFound: loss.found,
  })
  let count = 0
  let isMet = limit === undefined && selection.isLast === undefined
  let hasBegun = false
  /** The event whose last name has not come yet. */
  let unit: { isTaken: boolean; isLast: boolean } | undefined

  try {
    for await (const item of source.items()) {
      if (item.kind === 'open' && !hasBegun) {
        hasBegun = true
        void endWhenPassed(opened?.(item.cursor))
      } else if (item.kind === 'gap') onGap(item.notice)
      else if (item.kind === 'invalid') onInvalid(`it is not an envelope: ${item.raw.trim().slice(0, 200)}`)
      else if (item.kind === 'reached') await complete(item.id)
      else if (item.kind === 'event') await onEvent(item)
      if (end.signal.aborted) break
    }
  } finally {
    clearTimeout(timer)
    options.stop.removeEventListener('abort', stop)
  }
  if (isTimeUp) {
    if (source.isLost || !hasBegun) codes.add(exitCode.lost)
    if (!isMet) codes.add(exitCode.timeUp)
    if (codes.has(exitCode.lost)) talk.warn(`${api.baseUrl} is still unreachable, and the time is up.`)
  }
  return firstOf(codes)

  function timeIsUp(): void {
    isTimeUp = true
    end.abort()
  }

  async function onEvent(item: EventItem): Promise<void> {
    const { envelope } = item
    unit ??= { isTaken: false, isLast: false }
    if (item.fault !== undefined) {
      onInvalid(`${envelope.event} ${envelope.id} on ${envelope.channel}: ${item.fault}`)
    } else if (selection.isWanted(envelope)) {
      const code = await options.take(item, end.signal)
      if (end.signal.aborted && code === exitCode.programFailed) return
      if (code !== undefined) {
        codes.add(code)
        end.abort()
        return
      }
      unit.isTaken = true
      unit.isLast ||= selection.isLast?.(envelope) === true
    }
    if (item.isComplete) await complete(envelope.id)
  }

  async function complete(id: string): Promise<void> {
    const { isTaken = false, isLast = false } = unit ?? {}
    unit = undefined
    if (!isTaken) return
    await options.taken?.(id)
    count += 1
    if (!isLast && count !== limit) return
    isMet = true
    end.abort()
  }

  function onGap({ requested, oldest, reason }: GapNotice): void {
    talk.warn(`gap: events after ${requested} are lost (${reason}); the log is complete from ${oldest} on`)
    if (strict) fail(exitCode.gap)
  }

  function onInvalid(text: string): void {
    talk.warn(`passed over, because it breaks its schema: ${text}`)
    if (strict) fail(exitCode.invalidEvent)
  }

  function fail(code: number): void {
    codes.add(code)
    end.abort()
  }

  async function endWhenPassed(target: Promise<string> | undefined): Promise<void> {
    if (target === undefined) return
    try {
      await passed(source, await target, { api, query, signal: end.signal })
    } catch (error) {
      if (end.signal.aborted) return
      codes.add(error instanceof CommandError ? error.exitCode : exitCode.failed)
      talk.warn(error instanceof Error ? error.message : String(error))
    }
    end.abort()
  }
}
