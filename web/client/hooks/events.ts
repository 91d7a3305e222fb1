/** The newest events of some channels, as a list. */
import type { Frame, Status } from '../base/types.ts'
import { DEFAULT_MAX_EVENTS, EventList } from '../stores/event-list.ts'
import { stopErrorOf } from '../stores/resource-state.ts'
import { useConnected } from './connection.ts'
import { type Framework, trySubscribe, useSelected, useValue } from './framework.ts'

export interface RealtimeEventsOptions {
  readonly channels: readonly string[]
  /** Event names; a trailing `*` matches any suffix. Default, and with an empty list: all. */
  readonly eventTypes?: readonly string[] | undefined
  /** How many events are kept, also while paused; at least 1. Default: 500. */
  readonly maxEvents?: number | undefined
  /** The same as calling `pause` and `resume`. */
  readonly paused?: boolean | undefined
  /** Start after this id, or with the oldest event that is kept (`earliest`). Default: now. */
  readonly since?: string | undefined
}

export interface RealtimeEvents {
  /** Oldest first. Where events were lost there is a `gap` on channel `*`. */
  readonly events: readonly Frame[]
  /** How many events have come since `pause`. `resume` shows the newest of them, up to `maxEvents`. */
  readonly missed: number
  pause(): void
  resume(): void
  clearEvents(): void
  readonly connected: boolean
  readonly error: Error | null
}

/** An empty list of channels means off. */
export function useEvents(fw: Framework, options: RealtimeEventsOptions): RealtimeEvents {
  const { channels, eventTypes, maxEvents = DEFAULT_MAX_EVENTS, paused, since } = options
  const hub = fw.useHub()
  const key = JSON.stringify([sorted(channels), eventTypes && sorted(eventTypes), since])
  const list = fw.useMemo(() => new EventList(), [hub, key])
  list.limit = maxEvents
  fw.useEffect(() => {
    if (!hub || channels.length === 0) return undefined
    // A component that is mounted again continues where it was.
    return trySubscribe(hub, { channels, types: eventTypes, since: list.cursor ?? since }, list.handlers)
  }, [hub, key])
  fw.useEffect(() => {
    if (paused === true) list.pause()
    if (paused === false) list.resume()
    return undefined
  }, [list, paused])
  const { events, missed, error } = useValue(fw, list.store, EventList.EMPTY)
  const { connected } = useConnected(fw)
  const stop = useSelected<Status, Status['stop']>(fw, hub?.status, (status) => status.stop, undefined)
  const reason = error ?? (stop && channels.length > 0 ? stopErrorOf(stop) : null)
  const { pause, resume, clear } = list
  return { events, missed, error: reason, connected, pause, resume, clearEvents: clear }
}

/** The same channels in another order are not another subscription. */
function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}
