/**
 * The one stream of this tab, over whatever happens to it.
 *
 *            want                hello               end, silence
 *   idle ----------> opening ------------> open ------------------+
 *                     ^   |                                       |
 *                     |   +------ end, no hello in time ----------+--> waiting --(delay)--> opening
 *                     |                                           |
 *                     +---- reconnect, something wanted ----------+--> stopped
 *
 * `away` (the page is kept for the back button, or frozen) ends when it is used again. A changed set of channels is a new
 * request from the position reached: what was heard goes on, what is new begins there.
 */
import { MAX_CHANNELS } from '../../../shared/src/protocol.ts'
import type { FullBackoff } from './backoff.ts'
import { inOrder } from './channels.ts'
import type { Clock } from './clock.ts'
import { BoardcastError } from './errors.ts'
import { createHearing } from './hearing.ts'
import { withLongTimers } from './long-timers.ts'
import type { Auth } from './options.ts'
import { isOffline, watchPage } from './page-life.ts'
import { culprits, type Refusal } from './refusals.ts'
import type { Source, SourceListener } from './source.ts'
import { keepStatus, stopReason } from './status.ts'
import { openSession, type StreamSession } from './stream-session.ts'
import { MAX_WAIT_MS, type StreamEnd, type Transport } from './transport.ts'
import { Tries } from './tries.ts'
import type { Status, StopReason } from './types.ts'

const SILENT_HEARTBEATS = 2.5
/** On waking: by now a heartbeat should have come. */
const LATE_HEARTBEATS = 1.5
/** After so long the failures before are forgotten. Any earlier, and a server that accepts and drops would be hammered. */
const HEALTHY_MS = 60_000

export interface ConnectionOptions {
  readonly baseUrl: string
  readonly transport: Transport
  readonly auth: Auth | undefined
  readonly clock: Clock
  readonly backoff: FullBackoff
  readonly heartbeatTimeoutMs: number | undefined
  readonly listener: SourceListener
  /** Where to go on from, when another has listened before. */
  readonly position?: string | null
  /** The status with which a stream of these channels would be answered. */
  probe(channels: readonly string[]): Promise<StreamEnd>
}

type State =
  | { readonly name: 'idle' | 'stopped' | 'away' | 'closed' }
  | { readonly name: 'waiting'; readonly timer: unknown }
  | { readonly name: 'opening' | 'open' | 'refused'; readonly session: StreamSession }

export interface Connection extends Source {
  readonly position: string | null
}

export function createConnection(options: ConnectionOptions): Connection {
  const { baseUrl, transport, auth, backoff, listener, probe } = options
  // Silences and rests may be as long as the user wants them.
  const clock = withLongTimers(options.clock)
  const status = keepStatus(clock)
  let state: State = { name: 'idle' }
  let wanted: ReadonlySet<string> = new Set()
  let names: ReadonlySet<string> = new Set()
  const refused = new Map<string, BoardcastError>()
  const tries = new Tries(backoff)
  let settling: unknown
  let healthy: unknown
  const hearing = createHearing(options.position ?? null, { clock, status, listener, opened, over })
  const unwatch = watchPage({ woke, left, returned })

  return {
    status: status.store,
    get position() {
      return hearing.position
    },
    want(channels, moreNames) {
      wanted = channels
      names = moreNames
      for (const channel of refused.keys()) if (!channels.has(channel)) refused.delete(channel)
      // One change for all that one task asks for.
      settling ??= clock.setTimeout(settle, 0)
    },
    reconnect() {
      if (state.name === 'closed') return
      tries.failures = 0
      refused.clear()
      open()
    },
    close() {
      if (state.name === 'closed') return
      abandon()
      clock.clearTimeout(settling)
      unwatch()
      state = { name: 'closed' }
      status.set({ phase: 'stopped', stop: { reason: 'closed' }, nextRetryAt: null })
      status.close()
    },
  }

  function due(): string[] {
    return inOrder([...wanted].filter((channel) => !refused.has(channel)))
  }

  /** The server would refuse a stream of more: who came last is refused here, and the others go on. */
  function fitting(): string[] {
    const channels = due()
    if (channels.length <= MAX_CHANNELS) return channels
    const held = 'session' in state ? state.session.channels : []
    const byAge = [...wanted].filter((channel) => channels.includes(channel))
    const oldest = [...byAge.filter((name) => held.includes(name)), ...byAge.filter((name) => !held.includes(name))]
    refuse(
      oldest.slice(MAX_CHANNELS).map((channel) => {
        const why = `a stream has at most ${MAX_CHANNELS} channels: leave some, or make another hub with share: 'none'`
        return [channel, new BoardcastError('refused', `${channel}: ${why}.`)]
      }),
    )
    return due()
  }

  /** Brings the stream in line with what is wanted. That something is no longer wanted is no reason for a new stream. */
  function settle(): void {
    settling = undefined
    if (wanted.size === 0) {
      rest()
      return
    }
    const channels = fitting()
    if (channels.length === 0) return
    if (state.name === 'idle' || state.name === 'stopped') open()
    else if (state.name === 'opening' || state.name === 'open') {
      const { session } = state
      session.hear(names)
      if (channels.some((channel) => !session.channels.includes(channel))) open()
    }
  }

  /** Nobody wants anything. Who comes next begins anew: what happens meanwhile is nobody's. */
  function rest(): void {
    abandon()
    if (hearing.position !== null) listener.covered(new Set(), hearing.position)
    hearing.position = null
    tries.failures = 0
    status.set({ phase: 'idle', attempt: 0, nextRetryAt: null, stop: undefined })
  }

  function open(): void {
    const channels = fitting()
    abandon()
    if (channels.length === 0) {
      stopOrRest()
      return
    }
    hearing.comeBackMs = undefined
    const session = openSession({
      transport,
      auth,
      clock,
      request: { baseUrl, channels, position: hearing.position, names },
      silenceMs,
      frame: hearing.take,
      retry: (ms) => {
        hearing.retryMs = Math.min(ms, MAX_WAIT_MS)
      },
      end: (end) => ended(session, end),
      silent() {
        // Nothing says that the server is in trouble: a stream that stood is asked for again at once.
        if (state.name === 'open') hearing.comeBackMs = 0
        lost({ detail: `nothing came for ${silenceMs()} ms` })
      },
    })
    state = { name: 'opening', session }
    const { phase } = status.now()
    status.set({
      // A stream that is only made anew for other channels is no trouble.
      phase: phase === 'open' ? phase : hearing.position === null ? 'connecting' : 'reconnecting',
      attempt: tries.failures,
      nextRetryAt: null,
      transport: transport.name,
      stop: undefined,
    })
  }

  /** Leaves whatever is being done. */
  function abandon(): void {
    clock.clearTimeout(healthy)
    if (state.name === 'waiting') clock.clearTimeout(state.timer)
    else if ('session' in state) state.session.close()
    state = { name: 'idle' }
  }

  function silenceMs(): number {
    // Less would end every quiet stream before its heart can beat.
    const leastMs = LATE_HEARTBEATS * hearing.saidHeartbeatMs
    return Math.max(options.heartbeatTimeoutMs ?? SILENT_HEARTBEATS * hearing.heartbeatMs, leastMs)
  }

  function opened(): readonly string[] {
    if (!('session' in state)) return []
    if (state.name === 'opening') {
      state = { name: 'open', session: state.session }
      healthy = clock.setTimeout(() => {
        tries.failures = 0
        status.set({ attempt: 0 })
      }, HEALTHY_MS)
      status.set({ phase: 'open', detail: undefined })
    }
    return state.session.channels
  }

  /** A board that is deleted ends its part of the stream; asking for it again would be refused. */
  function over(boardId: string): void {
    const error = new BoardcastError('refused', `board ${boardId} was deleted`, { status: 404 })
    const channels = [`board:${boardId}`, `project:${boardId}`].filter((channel) => wanted.has(channel))
    refuse(channels.map((channel) => [channel, error]))
  }

  function refuse(refusals: readonly Refusal[]): void {
    for (const [channel, error] of refusals) {
      refused.set(channel, error)
      listener.refused([channel], error)
    }
  }

  function ended(session: StreamSession, end: StreamEnd): void {
    const code = end.status
    if (end.isRefusal && state.name !== 'open') {
      state = { name: 'refused', session }
      void probe(session.channels).then((answer) => isAt(session) && ended(session, { ...answer, isRefusal: false }))
    } else if (code === undefined || !stopReason(code)) lost(end)
    else if (code === 401 || code === 204) stop(end)
    else {
      state = { name: 'refused', session }
      void culprits(session.channels, end, probe).then((found) => {
        if (!isAt(session)) return
        refuse(found)
        if (found.length > 0) open()
        else stop(end)
      })
    }
  }

  function isAt(session: StreamSession): boolean {
    return 'session' in state && state.session === session
  }

  /** Nothing that is wanted can be had. */
  function stopOrRest(): void {
    const [error] = refused.values()
    if (error) stop({ ...(error.status && { status: error.status }), detail: error.message })
    else rest()
  }

  function stop({ status: code, detail }: StreamEnd): void {
    abandon()
    state = { name: 'stopped' }
    const reason: StopReason = stopReason(code ?? 0) ?? 'refused'
    status.set({ phase: 'stopped', nextRetryAt: null, stop: stopOf(reason, code, detail) })
  }

  function lost({ status: code, detail, retryAfterMs: leastMs = 0, isProper = false }: StreamEnd): void {
    const saidHello = state.name === 'open'
    abandon()
    if (due().length === 0) {
      stopOrRest()
      return
    }
    const { comeBackMs: saidMs, retryMs } = hearing
    const { inMs, isResting } = tries.ended({ saidHello, isProper, saidMs, retryMs, leastMs }, clock.now())
    state = { name: 'waiting', timer: clock.setTimeout(open, inMs) }
    status.set({
      phase: isResting ? 'stopped' : isOffline() ? 'offline' : 'reconnecting',
      attempt: tries.failures,
      nextRetryAt: clock.now() + inMs,
      detail,
      ...(isResting && { stop: stopOf('unreachable', code, detail) }),
    })
  }

  function woke(): void {
    if (state.name === 'waiting') open()
    else if (state.name === 'open') {
      const ageMs = clock.now() - state.session.lastFrameAt
      if (ageMs > Math.min(LATE_HEARTBEATS * hearing.heartbeatMs, silenceMs())) open()
    }
  }

  function left(): void {
    if (state.name !== 'waiting' && !('session' in state)) return
    abandon()
    state = { name: 'away' }
    status.set({ phase: 'reconnecting', nextRetryAt: null })
  }

  function returned(): void {
    if (state.name === 'away') open()
    else woke()
  }
}

function stopOf(
  reason: StopReason,
  status: number | undefined,
  detail: string | undefined,
): NonNullable<Status['stop']> {
  return { reason, ...(status !== undefined && { status }), ...(detail !== undefined && { detail }) }
}
