/** Hooks that show how the stream is. */
import { IDLE } from '../base/status.ts'
import type { Phase, Status, Store } from '../base/types.ts'
import { type Framework, useSelected, useValue } from './framework.ts'

export interface Connected {
  /** The stream is open. */
  readonly connected: boolean
  /** The stream is not open, and the client keeps trying. */
  readonly reconnecting: boolean
  readonly status: Phase
}

export interface Connection extends Status {
  /** The phase in a word or two, for people. */
  readonly label: string
  /** Whether the browser reports a network. */
  readonly isOnline: boolean
  /** Connects at once. */
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

export function labelOf({ phase, stop }: Pick<Status, 'phase' | 'stop'>): string {
  return (phase === 'stopped' && STOPPED[stop?.reason ?? '']) || LABEL[phase]
}

/** Whether the browser reports a network; true where it cannot. */
const online: Store<boolean> = {
  get: () => typeof navigator === 'undefined' || navigator.onLine !== false,
  subscribe(listener) {
    if (typeof addEventListener !== 'function') return () => undefined
    addEventListener('online', listener)
    addEventListener('offline', listener)
    return () => {
      removeEventListener('online', listener)
      removeEventListener('offline', listener)
    }
  },
}

/** Draws the component again only when the phase changes. */
export function useConnected(fw: Framework): Connected {
  const hub = fw.useHub()
  const status = useSelected<Status, Phase>(fw, hub?.status, ({ phase }) => phase, 'idle')
  return {
    status,
    connected: status === 'open' || status === 'catching-up',
    reconnecting: status === 'reconnecting' || status === 'offline',
  }
}

/** The whole status, for the place where a page shows it. */
export function useConnectionStatus(fw: Framework): Connection {
  const hub = fw.useHub()
  const status = useValue(fw, hub?.status, IDLE)
  const isOnline = useValue(fw, online, true)
  const reconnect = fw.useMemo(() => () => hub?.reconnect(), [hub])
  return { ...status, label: labelOf(status), isOnline, reconnect }
}
