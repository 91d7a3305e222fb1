/** All settings, read from the environment in one place. An error lists every invalid variable at once. */
import * as z from 'zod'
import { HEARTBEAT_MS } from '../../shared/src/protocol.ts'
import { isLoopback, parseHostName } from './authority.ts'
import { isOwnAddress, parsePrefix } from './base-path.ts'
import { isDatabaseUrl, withoutConnectionName } from './database-url.ts'
import { type DoorbellSetting, doorbellSetting } from './doorbell-setting.ts'
import { hostList, listenAddress, networkList, originList, socketMode } from './host-settings.ts'
import { jwksUrl, type PublicKey, password, publicKeys, secretList } from './key-settings.ts'
import { nodeName } from './node-name.ts'

/** How much of the transient events the log keeps: by age, by number of events, by bytes of payload. */
export interface RetentionPolicy {
  readonly maxAgeMs: number
  readonly maxEvents: number
  readonly maxBytes: number
}

/** `power`: a COMMIT survives power loss. `process`: it survives only the end of this process. */
export type Durability = 'power' | 'process'

export interface Config {
  /** 0 picks a free port. */
  readonly port: number
  /** The name or address to listen on; IPv6 without brackets. */
  readonly host: string
  /** The Unix socket to listen on instead of `host` and `port`, and the mode of its file. */
  readonly socketPath: string | undefined
  readonly socketMode: number
  /** Accepted values of the `Host` header, besides loopback and `host`; a lone `*` accepts any. */
  readonly hosts: readonly string[]
  readonly dbPath: string
  /** A database of PostgreSQL in place of the file. Holds a password. */
  readonly databaseUrl: string | undefined
  /** How the nodes on one database wake each other. */
  readonly doorbell: DoorbellSetting
  /** The name of this server among those on its database. */
  readonly node: string
  /** The path prefix of every URL, such as `/tools/board`; '' for none. */
  readonly basePath: string
  /** Everybody may do everything, even if a key is configured. */
  readonly isAuthOff: boolean
  /** One password for everything. */
  readonly token: string | undefined
  /** Secrets of HS256: the first signs, all verify. */
  readonly jwtSecrets: readonly string[]
  readonly jwtPublicKeys: readonly PublicKey[]
  /** Where the issuer of tokens publishes its keys. */
  readonly jwksUrl: string | undefined
  /** Whether the server speaks Socket.IO too. */
  readonly hasSocketIo: boolean
  readonly retention: RetentionPolicy
  readonly streamMaxAgeMs: number | undefined
  /** How many streams and sockets a client may hold open. */
  readonly maxStreams: number
  readonly durability: Durability
  /** Limit of the write-ahead log while another program prevents a checkpoint. */
  readonly maxWalBytes: number
  readonly drainMs: number
  readonly heartbeatMs: number
  /** How long an idle connection stays open for another request. */
  readonly keepAliveMs: number
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** Origins whose pages may call the API; empty: only the server's own. A lone `*` allows any. */
  readonly corsOrigins: readonly string[]
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  /** Mutations per second for each client; Infinity: no limit. */
  readonly rateMutations: number
  readonly rateBurst: number
  /** Bad credentials per second for each address; Infinity: no limit. */
  readonly rateBadTokens: number
  /** How long a request may take to arrive, and how long a client may take nothing of an answer. */
  readonly requestTimeoutMs: number
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
/** At most a hundred years: anything longer is a mistake, and dates must not overflow. */
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

const rate = z.coerce
  .number<string>('must be a number')
  .min(0.01, 'must be at least 0.01')
  .max(1e9, 'must be at most 1e9')

const burst = z.coerce
  .number<string>('must be a whole number')
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(1e9, 'must be at most 1e9')

/** A number that is not blank: coercion alone would read spaces as 0. */
function nonBlank(schema: z.ZodCoercedNumber<string>) {
  return z.string().regex(/\S/, 'must be a number, and is blank').pipe(schema)
}

const rateOrOff = z.union(
  [z.literal('off').transform(() => Infinity), nonBlank(rate)],
  'must be off, or a number of at least 0.01',
)

/**
 * Longer than the 60 s of most proxies, so that the proxy closes first: a server that closes may cut off a request that
 * is on its way.
 */
const KEEP_ALIVE_MS = 75_000

const basePath = z.string().transform((text, c) => {
  const prefix = parsePrefix(text)
  if (prefix !== undefined && !isOwnAddress(prefix)) return prefix
  const message =
    prefix === undefined
      ? 'must be a path such as /tools/board: letters, digits and - . _ ~ between slashes'
      : `cannot be ${prefix}: the server's own addresses begin with it. Choose another path`
  c.addIssue({ code: 'custom', message })
  return z.NEVER
})

const databaseUrl = z
  .string()
  // The text is not quoted: it holds a password.
  .refine(isDatabaseUrl, 'must be a URL such as postgres://user:password@host:5432/boardcast')
  .transform(withoutConnectionName)

const environment = z.object({
  PORT: nonBlank(z.coerce.number<string>('must be a port').int().min(0).max(65_535)).default(3000),
  HOST: listenAddress.default({ host: '127.0.0.1', socketPath: undefined }),
  BOARDCAST_SOCKET_MODE: socketMode.default(0o660),
  BOARDCAST_HOSTS: hostList.default([]),
  BOARDCAST_DB: z.string().min(1).default('./boardcast.db'),
  BOARDCAST_DATABASE_URL: databaseUrl.optional(),
  BOARDCAST_DOORBELL: doorbellSetting.default({ kind: 'postgres' }),
  BOARDCAST_NODE: nodeName,
  BOARDCAST_BASE_PATH: basePath.default(''),
  BOARDCAST_AUTH: z.literal('off', 'can only be "off"').optional(),
  BOARDCAST_TOKEN: password.optional(),
  BOARDCAST_JWT_SECRET: secretList.default([]),
  BOARDCAST_JWT_PUBLIC_KEY: publicKeys.default([]),
  BOARDCAST_JWKS_URL: jwksUrl.optional(),
  BOARDCAST_SOCKETIO: z
    .enum(['0', '1'], 'must be 1 or 0')
    .default('0')
    .transform((text) => text === '1'),
  BOARDCAST_RETENTION_AGE: duration.default(7 * DAY_MS),
  BOARDCAST_RETENTION_EVENTS: nonBlank(z.coerce.number<string>('must be a number of events').int().min(1)).default(
    5_000_000,
  ),
  BOARDCAST_RETENTION_BYTES: size.default(4 * 2 ** 30),
  BOARDCAST_STREAM_MAX_AGE: z
    .union(
      [z.literal('off').transform(() => undefined), duration.refine((ms) => ms >= 1, 'must be off, or at least 1ms')],
      'must be off, or a duration such as 30s, 12h or 30d',
    )
    .optional(),
  BOARDCAST_MAX_STREAMS: nonBlank(z.coerce.number<string>('must be a whole number, at least 1').int().min(1)).default(
    20,
  ),
  BOARDCAST_DURABILITY: z.enum(['power', 'process'], 'must be power or process').default('power'),
  BOARDCAST_WAL_LIMIT: size.pipe(z.number().min(2 ** 20, 'must be at least 1MiB')).default(2 ** 30),
  BOARDCAST_DRAIN_MS: nonBlank(millis).default(5_000),
  BOARDCAST_HEARTBEAT_MS: nonBlank(millis.min(100, 'must be 100 or more')).default(HEARTBEAT_MS),
  BOARDCAST_KEEP_ALIVE: duration
    .refine((ms) => ms >= 1_000 && ms <= DAY_MS, 'must be from 1s to 1d')
    .default(KEEP_ALIVE_MS),
  BOARDCAST_CORS_ORIGINS: originList.default([]),
  BOARDCAST_TRUSTED_PROXIES: networkList.default([]),
  BOARDCAST_RATE_MUTATIONS: rateOrOff.default(100),
  BOARDCAST_RATE_BURST: nonBlank(burst).default(200),
  BOARDCAST_RATE_BAD_TOKENS: rateOrOff.default(10),
  BOARDCAST_REQUEST_TIMEOUT: duration
    .refine((ms) => ms >= 1_000 && ms <= DAY_MS, 'must be from 1s to 1d')
    .default(2 * 60_000),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

/** The settings do not allow the server to start. The message names the variables and the values they may have. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
}

/** Reads the settings. Throws one `ConfigError` that names every invalid variable and the values it may have. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  // An empty variable counts as not set.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  const faults = parsed.error?.issues.map((issue) => `  ${issue.path.join('.')} ${issue.message}`) ?? []
  if (given.BOARDCAST_DOORBELL !== undefined && given.BOARDCAST_DATABASE_URL === undefined) {
    faults.push('  BOARDCAST_DOORBELL is for nodes on PostgreSQL: set BOARDCAST_DATABASE_URL as well, or leave it out')
  }
  if (!parsed.success || faults.length > 0) {
    throw new ConfigError(`Invalid settings in the environment:\n${faults.join('\n')}`)
  }
  const settings = parsed.data
  return {
    port: settings.PORT,
    ...settings.HOST,
    socketMode: settings.BOARDCAST_SOCKET_MODE,
    hosts: settings.BOARDCAST_HOSTS,
    dbPath: settings.BOARDCAST_DB,
    databaseUrl: settings.BOARDCAST_DATABASE_URL,
    doorbell: settings.BOARDCAST_DOORBELL,
    node: settings.BOARDCAST_NODE,
    basePath: settings.BOARDCAST_BASE_PATH,
    isAuthOff: settings.BOARDCAST_AUTH === 'off',
    token: settings.BOARDCAST_TOKEN,
    jwtSecrets: settings.BOARDCAST_JWT_SECRET,
    jwtPublicKeys: settings.BOARDCAST_JWT_PUBLIC_KEY,
    jwksUrl: settings.BOARDCAST_JWKS_URL,
    hasSocketIo: settings.BOARDCAST_SOCKETIO,
    retention: {
      maxAgeMs: settings.BOARDCAST_RETENTION_AGE,
      maxEvents: settings.BOARDCAST_RETENTION_EVENTS,
      maxBytes: settings.BOARDCAST_RETENTION_BYTES,
    },
    streamMaxAgeMs: settings.BOARDCAST_STREAM_MAX_AGE,
    maxStreams: settings.BOARDCAST_MAX_STREAMS,
    durability: settings.BOARDCAST_DURABILITY,
    maxWalBytes: settings.BOARDCAST_WAL_LIMIT,
    drainMs: settings.BOARDCAST_DRAIN_MS,
    heartbeatMs: settings.BOARDCAST_HEARTBEAT_MS,
    keepAliveMs: settings.BOARDCAST_KEEP_ALIVE,
    logLevel: settings.LOG_LEVEL,
    corsOrigins: settings.BOARDCAST_CORS_ORIGINS,
    trustedProxies: settings.BOARDCAST_TRUSTED_PROXIES,
    rateMutations: settings.BOARDCAST_RATE_MUTATIONS,
    rateBurst: settings.BOARDCAST_RATE_BURST,
    rateBadTokens: settings.BOARDCAST_RATE_BAD_TOKENS,
    requestTimeoutMs: settings.BOARDCAST_REQUEST_TIMEOUT,
  }
}

/** Whether a key is configured, so that rights are on. */
export function hasKey({ token, jwtSecrets, jwtPublicKeys, jwksUrl }: Config): boolean {
  return token !== undefined || jwtSecrets.length > 0 || jwtPublicKeys.length > 0 || jwksUrl !== undefined
}

/** Listening beyond this machine without a key opens the server to everybody: require an opt-in. */
export function refuseOpenWithoutAuth(config: Config): void {
  const { host, isAuthOff } = config
  if (isAuthOff || hasKey(config) || isLoopback(parseHostName(host) ?? host)) return
  throw new ConfigError(
    `HOST=${host} would let everyone on the network read and write. Configure a key such as BOARDCAST_TOKEN or BOARDCAST_JWT_SECRET, listen on 127.0.0.1, or set BOARDCAST_AUTH=off to allow it.`,
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
