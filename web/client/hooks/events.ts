import type { Frame, Status } from '../core/types.ts'
import { EventBuffer } from '../stores/event-buffer.ts'
import { stopErrorOf } from '../stores/resource.ts'
import { useConnected } from './connection.ts'
import { type Framework, subscribed, useSelected, useValue } from './framework.ts'

export interface RealtimeEventsOptions {
  readonly channels: readonly string[]
  /** Names, `*` at the end of one for any ending. Default, and with an empty list: all. */
  readonly eventTypes?: readonly string[] | undefined
  /** How many are kept, in a pause too; 1 at least. Default: 500. */
  readonly maxEvents?: number | undefined
  /** The same as calling `pause` and `resume`. */
  readonly paused?: boolean | undefined
  /** Begins after this id; `earliest` with the oldest that is kept. Default: now. */
  readonly since?: string | undefined
}

export interface RealtimeEvents {
  /** Oldest first. Where something was lost there is a `gap` on channel `*`. */
  readonly events: readonly Frame[]
  /** What came since `pause`. The last of it, up to `maxEvents`, shows with `resume`. */
  readonly missed: number
  pause(): void
  resume(): void
  clearEvents(): void
  readonly connected: boolean
  readonly error: Error | null
}

/** The newest events of some channels, as a list. An empty list of channels means off. */
export function useEvents(fw: Framework, options: RealtimeEventsOptions): RealtimeEvents {
  const { channels, eventTypes, maxEvents = 500, paused, since } = options
  const hub = fw.useHub()
  const key = JSON.stringify([sorted(channels), eventTypes && sorted(eventTypes), since])
  const buffer = fw.useMemo(() => new EventBuffer(), [hub, key])
  buffer.limit = maxEvents
  fw.useEffect(() => {
    if (!hub || channels.length === 0) return undefined
    // A component that is mounted again goes on where it was.
    return subscribed(hub, { channels, types: eventTypes, since: buffer.position ?? since }, buffer.handlers)
  }, [hub, key])
  fw.useEffect(() => {
    if (paused === true) buffer.pause()
    if (paused === false) buffer.resume()
    return undefined
  }, [buffer, paused])
  const { events, missed, error } = useValue(fw, buffer.store, EventBuffer.EMPTY)
  const { connected } = useConnected(fw)
  const stop = useSelected<Status, Status['stop']>(fw, hub?.status, (status) => status.stop, undefined)
  const why = error ?? (stop && channels.length > 0 ? stopErrorOf(stop) : null)
  const { pause, resume, clear } = buffer
  return { events, missed, error: why, connected, pause, resume, clearEvents: clear }
}

/** The same channels in another order are the same. */
function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}
