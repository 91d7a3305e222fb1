import type { Phase, Status } from '../core/types.ts'
import { type Framework, useSelected, useValue } from './framework.ts'
import { online } from './online.ts'

export interface Connected {
  /** The stream stands. */
  readonly connected: boolean
  /** It stood, or was tried, and is tried again. */
  readonly reconnecting: boolean
  readonly status: Phase
}

export interface Connection extends Status {
  /** The phase in a word or two, for people. */
  readonly label: string
  /** What the browser says of its network. */
  readonly isOnline: boolean
  /** Tries at once. */
  reconnect(): void
}

const LABEL: Readonly<Record<Phase, string>> = {
  idle: 'Idle',
  connecting: 'Connecting',
  open: 'Live',
  'catching-up': 'Catching up',
  reconnecting: 'Reconnecting',
  offline: 'Offline',
  stopped: 'Disconnected',
}

const STOPPED: Readonly<Partial<Record<string, string>>> = {
  unauthenticated: 'Signed out',
  forbidden: 'Not allowed',
  'not-found': 'Not found',
  unreachable: 'Server unreachable',
}

const IDLE: Status = {
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
}

export function labelOf({ phase, stop }: Pick<Status, 'phase' | 'stop'>): string {
  return (phase === 'stopped' && STOPPED[stop?.reason ?? '']) || LABEL[phase]
}

/** How the stream is, drawn again only when the phase changes. */
export function useConnected(fw: Framework): Connected {
  const hub = fw.useHub()
  const status = useSelected<Status, Phase>(fw, hub?.status, ({ phase }) => phase, 'idle')
  return {
    status,
    connected: status === 'open' || status === 'catching-up',
    reconnecting: status === 'reconnecting' || status === 'offline',
  }
}

/** The status of the stream, for the place where a page shows it. */
export function useConnectionStatus(fw: Framework): Connection {
  const hub = fw.useHub()
  const status = useValue(fw, hub?.status, IDLE)
  const isOnline = useValue(fw, online, true)
  const reconnect = fw.useMemo(() => () => hub?.reconnect(), [hub])
  return { ...status, label: labelOf(status), isOnline, reconnect }
}
