/** The environment of the command line. No other file under `cli/` reads or writes `process.env`. */
export interface Environment {
  /** `BOARDCAST_URL`: the server to talk to. */
  readonly url: string | undefined
  /** `BOARDCAST_TOKEN`: sent as `Authorization: Bearer`. */
  readonly token: string | undefined
  /** The first of `BOARDCAST_JWT_SECRET`: what tokens are signed with. */
  readonly jwtSecret: string | undefined
  /** `PORT`: where a server started from the same shell listens. */
  readonly port: string | undefined
  /** `BOARDCAST_DB`: the file of a server started from the same shell. */
  readonly dbPath: string | undefined
  /** `BOARDCAST_DATABASE_URL`: the database of a server started from the same shell. */
  readonly databaseUrl: string | undefined
}

/** Settings of `serve` that may come from options instead of variables. */
export interface ServerSettings {
  readonly databaseUrl?: string | undefined
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly dbPath?: string | undefined
}

export function readEnvironment(): Environment {
  // Shells and compose files write "not set" as an empty variable.
  const { BOARDCAST_URL, BOARDCAST_TOKEN, BOARDCAST_JWT_SECRET, PORT, BOARDCAST_DB, BOARDCAST_DATABASE_URL } =
    process.env
  return {
    url: BOARDCAST_URL || undefined,
    token: BOARDCAST_TOKEN || undefined,
    jwtSecret: BOARDCAST_JWT_SECRET?.split(',')
      .map((secret) => secret.trim())
      .find((secret) => secret !== ''),
    port: PORT || undefined,
    dbPath: BOARDCAST_DB || undefined,
    databaseUrl: BOARDCAST_DATABASE_URL || undefined,
  }
}

/** The values of all variables, which child processes inherit. */
export function environmentValues(): string[] {
  return Object.values(process.env).map((value) => value ?? '')
}

/** Package managers set this variable to the name of the script that they run. */
export function isStartedByNpm(): boolean {
  return process.env.npm_lifecycle_event !== undefined
}

/** Copies options into the variables that the server reads. Call it before `main.ts` is imported. */
export function applyServerSettings(settings: ServerSettings): void {
  if (settings.port !== undefined) process.env.PORT = settings.port
  if (settings.host !== undefined) process.env.HOST = settings.host
  if (settings.dbPath !== undefined) process.env.BOARDCAST_DB = settings.dbPath
  if (settings.databaseUrl !== undefined) process.env.BOARDCAST_DATABASE_URL = settings.databaseUrl
}

/** For the server inside `demo`: fewer log lines among the demo's output, and a short drain on Ctrl-C. */
export function applyDemoServerDefaults(): void {
  process.env.LOG_LEVEL ||= 'warn'
  process.env.BOARDCAST_DRAIN_MS ||= '500'
}
