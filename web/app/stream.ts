/**
 * The life of one EventSource; phase.ts says how its phases follow each other.
 *
 * A browser's EventSource reconnects by itself with its Last-Event-ID while the connection merely breaks, and is left
 * to it. It gives up for ever after an answer other than 200, and does not notice a connection that went silent: in
 * those two cases a new one is made, which carries the last id in its address because a page cannot set the header.
 */
import { CONTROL, HEARTBEAT_MS } from '../../shared/src/protocol.ts'
import { nextPhase, type Phase, type Signal } from './phase.ts'

export interface Frame {
  readonly event: string
  /** The last id that the stream has given; empty before the first. */
  readonly lastEventId: string
  /** Whether this frame brought it. An EventSource repeats the last id on a frame that has none. */
  readonly isNewId: boolean
  readonly raw: string
  /** The parsed data, undefined when it is not JSON. */
  readonly data: unknown
}

export interface StreamOptions {
  readonly path: string
  /** EventSource shows a page only the names that it asked for. */
  readonly events: readonly string[]
  readonly onPhase: (phase: Phase) => void
  readonly onFrame: (frame: Frame) => void
  /** The status with which the thing behind the stream answers now: an EventSource does not tell why it was refused. */
  readonly probe: () => Promise<number>
}

const SILENT_HEARTBEATS = 2.5
const FIRST_DELAY_MS = 1_500
const MAX_DELAY_MS = 12_000

/** Returns the undo, which may be called at any time and twice. */
export function openStream({ path, events, onPhase, onFrame, probe }: StreamOptions): () => void {
  let phase: Phase = { name: 'connecting' }
  let source: EventSource | undefined
  let lastEventId = ''
  let heartbeatMs = HEARTBEAT_MS
  let lastFrameAt = 0
  let failures = 0
  let watch = 0
  let retry = 0
  let closed = false

  onPhase(phase)
  connect()
  return close

  function connect(): void {
    source = new EventSource(withCursor(path, lastEventId))
    source.addEventListener('error', failed)
    for (const event of events) source.addEventListener(event, take)
    lastFrameAt = performance.now()
    watchForSilence()
  }

  function disconnect(): void {
    source?.close()
    source = undefined
    clearTimeout(watch)
    clearTimeout(retry)
  }

  function close(): void {
    closed = true
    disconnect()
  }

  function take(message: MessageEvent<string>): void {
    // A frame that was queued before the close is no longer wanted.
    if (closed || message.target !== source) return
    lastFrameAt = performance.now()
    const isNewId = message.lastEventId !== '' && message.lastEventId !== lastEventId
    if (isNewId) lastEventId = message.lastEventId
    const data = parse(message.data)
    const signal = signalOf(message.type)
    if (signal === 'hello') {
      failures = 0
      heartbeatMs = heartbeatOf(data) ?? heartbeatMs
    }
    onFrame({ event: message.type, lastEventId, isNewId, raw: message.data, data })
    if (signal) enter(signal)
  }

  function failed(): void {
    if (closed || !source) return
    // CONNECTING: the browser comes back by itself. Its attempts count as signs of life, for silence is about frames
    // that do not come on an open stream.
    lastFrameAt = performance.now()
    if (source.readyState === EventSource.CONNECTING) enter('lost')
    else void refused()
  }

  async function refused(): Promise<void> {
    disconnect()
    enter('refused')
    const status = await probe()
    if (closed) return
    if (status === 404) enter('missing')
    else if (status === 401 || status === 403) enter('forbidden')
    else retry = setTimeout(connect, nextDelayMs())
  }

  function watchForSilence(): void {
    clearTimeout(watch)
    const leftMs = lastFrameAt + SILENT_HEARTBEATS * heartbeatMs - performance.now()
    if (leftMs > 0) {
      watch = setTimeout(watchForSilence, leftMs)
      return
    }
    disconnect()
    enter('silent')
    connect()
  }

  function enter(signal: Signal): void {
    const before = phase
    phase = nextPhase(phase, signal)
    if (phase.name === 'ended') close()
    if (phase !== before) onPhase(phase)
  }

  /** Doubling with full jitter, so that the pages of a server that comes back do not all come at once. */
  function nextDelayMs(): number {
    const ceilingMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures)
    failures += 1
    return ceilingMs * (0.2 + 0.8 * Math.random())
  }
}

function withCursor(path: string, lastEventId: string): string {
  if (!lastEventId) return path
  return `${path}${path.includes('?') ? '&' : '?'}lastEventId=${encodeURIComponent(lastEventId)}`
}

function signalOf(event: string): Signal | undefined {
  switch (event) {
    case CONTROL.hello:
    case CONTROL.heartbeat:
    case CONTROL.gap:
    case CONTROL.draining:
    case CONTROL.overloaded:
      return event
    case CONTROL.authExpired:
      return 'forbidden'
    case 'board_deleted':
      return 'deleted'
    default:
      return undefined
  }
}

function heartbeatOf(hello: unknown): number | undefined {
  if (typeof hello !== 'object' || hello === null || !('heartbeatMs' in hello)) return undefined
  const { heartbeatMs } = hello
  return typeof heartbeatMs === 'number' && heartbeatMs > 0 ? heartbeatMs : undefined
}

function parse(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    // Not swallowed: the list of events shows the raw text, and no view acts on data that is undefined.
    return undefined
  }
}
