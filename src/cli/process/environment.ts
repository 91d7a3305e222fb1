import { homedir } from 'node:os'
import { join } from 'node:path'

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
  /** `BOARDCAST_PROFILE`: which profile of the configuration to use. */
  readonly profile: string | undefined
  /** `$XDG_CONFIG_HOME`, otherwise `~/.config`. */
  readonly configHome: string
  /** `NO_COLOR` is not empty. */
  readonly noColor: boolean
  /** `FORCE_COLOR` is not empty, `0` or `false`. */
  readonly forceColor: boolean
}

/** Settings of `serve` that may come from options instead of variables. */
export interface ServerSettings {
  readonly databaseUrl?: string | undefined
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly dbPath?: string | undefined
  readonly logLevel?: string | undefined
}

export function readEnvironment(): Environment {
  // Shells and compose files write "not set" as an empty variable.
  const { BOARDCAST_URL, BOARDCAST_TOKEN, BOARDCAST_JWT_SECRET, PORT, BOARDCAST_DB, BOARDCAST_DATABASE_URL } =
    process.env
  const { BOARDCAST_PROFILE, XDG_CONFIG_HOME, NO_COLOR, FORCE_COLOR } = process.env
  return {
    url: BOARDCAST_URL || undefined,
    token: BOARDCAST_TOKEN || undefined,
    jwtSecret: BOARDCAST_JWT_SECRET?.split(',')
      .map((secret) => secret.trim())
      .find((secret) => secret !== ''),
    port: PORT || undefined,
    dbPath: BOARDCAST_DB || undefined,
    databaseUrl: BOARDCAST_DATABASE_URL || undefined,
    profile: BOARDCAST_PROFILE || undefined,
    // The standard says that a relative path is to be ignored.
    configHome: XDG_CONFIG_HOME?.startsWith('/') ? XDG_CONFIG_HOME : join(homedir(), '.config'),
    noColor: Boolean(NO_COLOR),
    forceColor: !/^(|0|false)$/.test(FORCE_COLOR ?? ''),
  }
}

/** Undefined if it is unset or empty. */
export function readVariable(name: string): string | undefined {
  return process.env[name] || undefined
}

/** The environment of a program that the command starts. */
export function environmentWith(variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...variables }
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
  if (settings.logLevel !== undefined) process.env.LOG_LEVEL = settings.logLevel
  if (settings.databaseUrl !== undefined) process.env.BOARDCAST_DATABASE_URL = settings.databaseUrl
}

/** For the server inside `demo`: fewer log lines among the demo's output, and a short drain on Ctrl-C. */
export function applyDemoServerDefaults(): void {
  process.env.LOG_LEVEL ||= 'warn'
  process.env.BOARDCAST_DRAIN_MS ||= '500'
}
