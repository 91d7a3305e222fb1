/**
 * The words of the wire that server, browser and command line share: paths, header and query names, control frames,
 * limits and timings. The rules behind them are numbered in docs/protocol.md.
 */

export const API_PREFIX = '/api/v1'

export const HEADER = {
  eventId: 'Event-Id',
  /** Of what is read: the position that it is exact at. */
  cursor: 'Cursor',
  idempotencyKey: 'Idempotency-Key',
  idempotencyReplayed: 'Idempotency-Replayed',
  lastEventId: 'Last-Event-ID',
  requestId: 'X-Request-Id',
  retryAfter: 'Retry-After',
} as const

/** Names of query parameters that carry a cursor, in the order in which they are looked at. */
export const CURSOR_PARAMETERS = ['lastEventId', 'last_event_id', 'since'] as const

/** Frames that speak of the stream itself. They pass every `types` filter and are never stored. */
export const CONTROL = {
  hello: 'hello',
  heartbeat: 'heartbeat',
  gap: 'gap',
  draining: 'draining',
  overloaded: 'overloaded',
  authExpiring: 'auth_expiring',
  authExpired: 'auth_expired',
} as const
export type ControlEvent = (typeof CONTROL)[keyof typeof CONTROL]

/** Why a cursor could not be honoured. `slow`: the log was trimmed past a listener that had fallen behind. */
export type GapReason = 'trimmed' | 'epoch' | 'invalid' | 'slow'

/** Frames rendered from the database at one instant, never stored. */
export const SNAPSHOT = {
  state: 'state',
  dashboardOverview: 'dashboard_overview',
  metricUpdate: 'metric.update',
} as const

/** Said to who listens at that moment, never stored. */
export const UNSTORED = { agentHeartbeat: 'agent.heartbeat' } as const

/** Names that a browser's EventSource fires by itself; no event may take them. */
export const RESERVED_EVENT_NAMES: readonly string[] = ['error', 'open', 'message']

export const HEARTBEAT_MS = 15_000
/** First delay of a client that lost its stream; each connection gets its own within +-20 %. */
export const RETRY_MS = 1_500
export const SPREAD = 0.2
/** At most one `state` of a board in this time, and the last change is never lost. */
export const STATE_INTERVAL_MS = 100
export const OVERVIEW_INTERVAL_MS = 150
export const METRICS_EVERY_MS = 5_000
/** Lines of output wait this long to be joined into one `output_batch` frame. */
export const JOIN_MS = 100
export const JOIN_MAX_LINES = 1_000
/** In characters of the lines that are joined; an event that is longer is a frame of its own. */
export const JOIN_MAX_LENGTH = 256 * 1024

export const MAX_CHANNELS = 100
export const MAX_BODY_BYTES = 1024 * 1024
export const MAX_LINE_BYTES = 64 * 1024
export const MAX_BATCH_LINES = 1_000
export const MAX_TITLE_LENGTH = 500
/** Of what clients may shape as they like: configurations, details, metadata. */
export const MAX_JSON_DEPTH = 100
export const PAGE_LIMIT = 100
export const PAGE_LIMIT_MAX = 1_000

export const MAX_MESSAGE_BYTES = 64 * 1024
/** Messages from one socket, and how many of them at once. */
export const MESSAGES_PER_SECOND = 10
export const MESSAGE_BURST = 20
/** A socket that is refused more messages than this in a minute is closed. */
export const MAX_REFUSALS_PER_MINUTE = 200
/** A socket that has shown no sign of life for so many heartbeats is cut: 40 s of 15 s each. */
export const SILENT_HEARTBEATS = 40 / 15

/** Why a socket is closed (RFC 6455, 7.4). */
export const CLOSE = {
  done: 1000,
  goingAway: 1001,
  refused: 1008,
  failed: 1011,
  restart: 1012,
  silent: 4408,
  tooMany: 4429,
} as const

/** The channel that reaches every connection, whatever it listens to. */
export const EVERYONE = '*'
