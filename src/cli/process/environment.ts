/** What the command line reads from the environment; the only file under `cli/` that touches `process.env`. */
export interface Environment {
  /** `BOARDCAST_URL`: the server to talk to. */
  readonly url: string | undefined
  /** `BOARDCAST_TOKEN`: sent as `Authorization: Bearer`. */
  readonly token: string | undefined
  /** `PORT`: where a server started from the same shell listens. */
  readonly port: string | undefined
  /** `BOARDCAST_DB`: the file of a server started from the same shell. */
  readonly dbPath: string | undefined
}

/** What `serve` may be told by options instead of variables. */
export interface ServerSettings {
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly dbPath?: string | undefined
}

export function readEnvironment(): Environment {
  // An empty variable is how shells and compose files spell "not set".
  const { BOARDCAST_URL, BOARDCAST_TOKEN, PORT, BOARDCAST_DB } = process.env
  return {
    url: BOARDCAST_URL || undefined,
    token: BOARDCAST_TOKEN || undefined,
    port: PORT || undefined,
    dbPath: BOARDCAST_DB || undefined,
  }
}

/** What a program that we start is given. */
export function environmentValues(): string[] {
  return Object.values(process.env).map((value) => value ?? '')
}

/** npm, and what works like it, names the script that it runs. */
export function isStartedByNpm(): boolean {
  return process.env.npm_lifecycle_event !== undefined
}

/** Puts options where the server reads its configuration; call it before `main.ts` is imported. */
export function applyServerSettings(settings: ServerSettings): void {
  if (settings.port !== undefined) process.env.PORT = settings.port
  if (settings.host !== undefined) process.env.HOST = settings.host
  if (settings.dbPath !== undefined) process.env.BOARDCAST_DB = settings.dbPath
}

/** For a server that lives inside `demo`: no log lines among the demo's own, and a Ctrl-C that does not linger. */
export function calmOwnServer(): void {
  process.env.LOG_LEVEL ||= 'warn'
  process.env.BOARDCAST_DRAIN_MS ||= '500'
}
