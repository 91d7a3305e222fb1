/** All settings, read from the environment in one place; every fault is listed at once. */
import * as z from 'zod'
import { HEARTBEAT_MS } from '../../shared/src/protocol.ts'
import { isLoopback, parseHostName } from './authority.ts'
import { isOwnAddress, parsePrefix } from './base-path.ts'
import { hostList, listenHost, originList } from './host-settings.ts'

/** What of the log's chatter may stay: as old, as many events and as many bytes of payload. */
export interface RetentionPolicy {
  readonly maxAgeMs: number
  readonly maxEvents: number
  readonly maxBytes: number
}

/** `power`: a COMMIT survives power loss. `process`: it survives the end of this process only. */
export type Durability = 'power' | 'process'

export interface Config {
  /** 0 picks a free one. */
  readonly port: number
  /** The name or address to listen on; IPv6 without brackets. */
  readonly host: string
  /** Hosts that requests may be addressed to besides loopback and `host`; `*` alone: any. */
  readonly hosts: readonly string[]
  readonly dbPath: string
  /** The path in front of every address, such as `/tools/board`; '' for none. */
  readonly basePath: string
  readonly isAuthOff: boolean
  /** Socket.IO is served too. */
  readonly hasSocketIo: boolean
  readonly retention: RetentionPolicy
  readonly streamMaxAgeMs: number | undefined
  readonly durability: Durability
  /** Where the write-ahead log ends when another program keeps it from being moved into the database. */
  readonly maxWalBytes: number
  readonly drainMs: number
  readonly heartbeatMs: number
  /** How long a connection is kept for a next request. */
  readonly keepAliveMs: number
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** Origins whose pages may call; empty: only this server's own. `*` alone: any. */
  readonly corsOrigins: readonly string[]
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

const DAY_MS = 86_400_000
/** A hundred years: what is longer is a slip, and far from where times stop being dates. */
const duration = measure(
  UNIT_MS,
  /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/,
  'a duration such as 500ms, 30s, 10m, 12h or 7d',
).refine((ms) => ms <= 36_500 * DAY_MS, 'must be at most 36500d')
const size = measure(UNIT_BYTES, /^(\d+(?:\.\d+)?) ?(|B|KB|MB|GB|KiB|MiB|GiB|TiB)$/, 'a size such as 4GiB or 500MB')
const millis = z.coerce
  .number<string>('must be a number of milliseconds')
  .int('must be a whole number of milliseconds')
  .min(0, 'must be 0 or more')
  .max(3_600_000, 'must be at most 3600000, an hour')

/** Spaces would count as 0. */
function written(schema: z.ZodCoercedNumber<string>) {
  return z.string().regex(/\S/, 'must be a number, and is blank').pipe(schema)
}

/** Longer than the 60 s of most proxies: the side that sends the next request must be the one that closes. */
const KEEP_ALIVE_MS = 75_000

const basePath = z.string().transform((text, c) => {
  const prefix = parsePrefix(text)
  if (prefix !== undefined && !isOwnAddress(prefix)) return prefix
  const message =
    prefix === undefined
      ? 'must be a path such as /tools/board: letters, digits and - . _ ~ between slashes'
      : `cannot be ${prefix}: the server's own addresses begin so. Choose another path`
  c.addIssue({ code: 'custom', message })
  return z.NEVER
})

const environment = z.object({
  PORT: written(z.coerce.number<string>('must be a port').int().min(0).max(65_535)).default(3000),
  HOST: listenHost.default('127.0.0.1'),
  BOARDCAST_HOSTS: hostList.default([]),
  BOARDCAST_DB: z.string().min(1).default('./boardcast.db'),
  BOARDCAST_BASE_PATH: basePath.default(''),
  BOARDCAST_AUTH: z.literal('off', 'can only be "off"').optional(),
  BOARDCAST_SOCKETIO: z
    .enum(['0', '1'], 'must be 1 or 0')
    .default('0')
    .transform((text) => text === '1'),
  BOARDCAST_RETENTION_AGE: duration.default(7 * DAY_MS),
  BOARDCAST_RETENTION_EVENTS: written(z.coerce.number<string>('must be a number of events').int().min(1)).default(
    5_000_000,
  ),
  BOARDCAST_RETENTION_BYTES: size.default(4 * 2 ** 30),
  BOARDCAST_STREAM_MAX_AGE: z
    .union(
      [z.literal('off').transform(() => undefined), duration.refine((ms) => ms >= 1, 'must be off, or at least 1ms')],
      'must be off, or a duration such as 30s, 12h or 30d',
    )
    .optional(),
  BOARDCAST_DURABILITY: z.enum(['power', 'process'], 'must be power or process').default('power'),
  BOARDCAST_WAL_LIMIT: size.pipe(z.number().min(2 ** 20, 'must be at least 1MiB')).default(2 ** 30),
  BOARDCAST_DRAIN_MS: written(millis).default(5_000),
  BOARDCAST_HEARTBEAT_MS: written(millis.min(100, 'must be 100 or more')).default(HEARTBEAT_MS),
  BOARDCAST_KEEP_ALIVE: duration
    .refine((ms) => ms >= 1_000 && ms <= DAY_MS, 'must be from 1s to 1d')
    .default(KEEP_ALIVE_MS),
  BOARDCAST_CORS_ORIGINS: originList.default([]),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

/** The server cannot start as it is set up; the message names the variables and says what they should be. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
}

/** Throws one error that names every variable at fault and what it should be. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  // An empty variable is one that was not set.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.')} ${issue.message}`)
    throw new ConfigError(`The environment holds settings that cannot be used:\n${faults.join('\n')}`)
  }
  const settings = parsed.data
  return {
    port: settings.PORT,
    host: settings.HOST,
    hosts: settings.BOARDCAST_HOSTS,
    dbPath: settings.BOARDCAST_DB,
    basePath: settings.BOARDCAST_BASE_PATH,
    isAuthOff: settings.BOARDCAST_AUTH === 'off',
    hasSocketIo: settings.BOARDCAST_SOCKETIO,
    retention: {
      maxAgeMs: settings.BOARDCAST_RETENTION_AGE,
      maxEvents: settings.BOARDCAST_RETENTION_EVENTS,
      maxBytes: settings.BOARDCAST_RETENTION_BYTES,
    },
    streamMaxAgeMs: settings.BOARDCAST_STREAM_MAX_AGE,
    durability: settings.BOARDCAST_DURABILITY,
    maxWalBytes: settings.BOARDCAST_WAL_LIMIT,
    drainMs: settings.BOARDCAST_DRAIN_MS,
    heartbeatMs: settings.BOARDCAST_HEARTBEAT_MS,
    keepAliveMs: settings.BOARDCAST_KEEP_ALIVE,
    logLevel: settings.LOG_LEVEL,
    corsOrigins: settings.BOARDCAST_CORS_ORIGINS,
  }
}

/** Until rights exist, what listens beyond this machine is open to everybody: that must be wanted. */
export function refuseOpenWithoutRights({ host, isAuthOff }: Config): void {
  if (isAuthOff || isLoopback(parseHostName(host) ?? host)) return
  throw new ConfigError(
    `HOST=${host} would let everyone on the network read and write. Listen on 127.0.0.1, or set BOARDCAST_AUTH=off to allow it.`,
  )
}

function measure(units: Readonly<Record<string, number>>, pattern: RegExp, expected: string) {
  return z
    .string()
    .regex(pattern, `must be ${expected}`)
    .transform((text) => {
      const [, amount, unit] = pattern.exec(text) ?? []
      return Number(amount) * (units[unit ?? ''] ?? 1)
    })
}
