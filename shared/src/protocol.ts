/**
 * Names, limits and timings of the protocol, shared by server, browser and command line. The numbered rules are in
 * docs/protocol.md and docs/api.md.
 */

export const API_PREFIX = '/api/v1'

export const HEADER = {
  eventId: 'Event-Id',
  /** On answers to reads: the id that they are exact at. */
  cursor: 'Cursor',
  idempotencyKey: 'Idempotency-Key',
  idempotencyReplayed: 'Idempotency-Replayed',
  lastEventId: 'Last-Event-ID',
  requestId: 'X-Request-Id',
  /** The name of the node that answers. */
  node: 'Boardcast-Node',
  retryAfter: 'Retry-After',
} as const

/** Query parameters that carry a cursor, in order of precedence. */
export const CURSOR_PARAMETERS = ['lastEventId', 'last_event_id', 'since'] as const

/** Control events, about the connection itself. They pass every `types` filter and are never stored. */
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

/** Why a cursor cannot be used. `slow`: the log was trimmed past a listener that was behind. */
export type GapReason = 'trimmed' | 'epoch' | 'invalid' | 'slow'

/** Snapshots, rendered from the database at one instant and never stored. */
export const SNAPSHOT = {
  state: 'state',
  dashboardOverview: 'dashboard_overview',
  metricUpdate: 'metric.update',
} as const

/** Ephemeral events: sent to those listening at that moment, never stored. */
export const UNSTORED = { agentHeartbeat: 'agent.heartbeat' } as const

/** Names that a browser's EventSource fires itself; no event may have them. */
export const RESERVED_EVENT_NAMES: readonly string[] = ['error', 'open', 'message']

export const HEARTBEAT_MS = 15_000
/** First delay of a client that lost its stream, randomised by 20 % either way for each connection. */
export const RETRY_MS = 1_500
export const SPREAD = 0.2
/** A client is warned this long before its credential lapses. */
export const AUTH_WARNING_MS = 30_000
/** At most one `state` of a board per interval; the last change is never lost. */
export const STATE_INTERVAL_MS = 100
export const OVERVIEW_INTERVAL_MS = 150
export const METRICS_EVERY_MS = 5_000
/** Lines of output wait this long to be joined into one `output_batch`. */
export const JOIN_MS = 100
export const JOIN_MAX_LINES = 1_000
/** In characters of the joined lines; a longer event is sent alone. */
export const JOIN_MAX_LENGTH = 256 * 1024

export const MAX_CHANNELS = 100
export const MAX_BODY_BYTES = 1024 * 1024
export const MAX_LINE_BYTES = 64 * 1024
export const MAX_BATCH_LINES = 1_000
export const MAX_TITLE_LENGTH = 500
/** For free JSON: configurations, details, metadata. */
export const MAX_JSON_DEPTH = 100
export const PAGE_LIMIT = 100
export const PAGE_LIMIT_MAX = 1_000

export const MAX_MESSAGE_BYTES = 64 * 1024
/** The rate of messages from one socket, and its burst. */
export const MESSAGES_PER_SECOND = 10
export const MESSAGE_BURST = 20
/** A socket with more refused messages than this in a minute is closed. */
export const MAX_REFUSALS_PER_MINUTE = 200
/** A socket that is unresponsive for this many heartbeats is closed: 40 s at 15 s each. */
export const SILENT_HEARTBEATS = 40 / 15

/** Why a socket is closed (RFC 6455, 7.4). */
export const CLOSE = {
  done: 1000,
  goingAway: 1001,
  refused: 1008,
  failed: 1011,
  restart: 1012,
  expired: 4401,
  silent: 4408,
  tooMany: 4429,
} as const

/** The channel of events to everyone: they reach every connection, whatever it listens to. */
export const EVERYONE = '*'
