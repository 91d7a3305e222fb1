/** The program: settings from the environment, one line on stdout when it listens, and an end by signal. */
import { randomBytes } from 'node:crypto'
import { closeSync } from 'node:fs'
import { type Config, hasKey, loadConfig, refuseOpenWithoutAuth } from './base/config.ts'
import type { RunningServer } from './server/running-server.ts'
import { start } from './server/start.ts'
import { findWebRoot } from './server/web-app.ts'

export { type Config, ConfigError } from './base/config.ts'
export { StartError } from './base/start-error.ts'
export { DatabaseRefused } from './db/copying.ts'
export { type CopyProgress, type CopyResult, copyDatabase } from './db/maintenance/copy.ts'
export { type NamedDatabase, newEpoch, readEpoch, shownDatabase } from './db/maintenance/epoch.ts'
export { backUp, renewEpoch, restore } from './db/sqlite/backup.ts'
export type { RunningServer } from './server/running-server.ts'

/** Sent by a supervisor, by Ctrl-C, and when a terminal is closed. */
const ENDING_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Starts a server. `overrides` take precedence over the environment. */
export async function startServer(overrides: Partial<Config> = {}): Promise<RunningServer> {
  const config = { ...loadConfig(process.env), ...overrides }
  refuseOpenWithoutAuth(config)
  return start(config, findWebRoot(import.meta.url))
}

/**
 * As `startServer`, for a program that is also a client of the server. `token` has every right; undefined: rights are off.
 * If no password is configured, it is made up, and known to this process only.
 */
export async function startOwnServer(
  overrides: Partial<Config> = {},
): Promise<{ readonly server: RunningServer; readonly token: string | undefined }> {
  const config = { ...loadConfig(process.env), ...overrides }
  if (config.isAuthOff || !hasKey(config)) return { server: await startServer(overrides), token: undefined }
  const { token = randomBytes(32).toString('base64url') } = config
  return { server: await startServer({ ...overrides, token }), token }
}

/** Resolves to the server when it listens. The first signal ends it gracefully, the second at once. */
export async function main(): Promise<RunningServer> {
  const server = await startServer()
  endBySignal(server)
  // After the handlers are installed: a program that reads the line may send a signal at once.
  process.stdout.write(`boardcast listening on ${server.url}\n`)
  return server
}

function endBySignal(server: RunningServer): void {
  let signals = 0
  let isHungUp = false
  function onSignal(signal: NodeJS.Signals): void {
    signals += 1
    isHungUp ||= signal === 'SIGHUP'
    void (signals === 1 ? server.close() : server.abort()).then(() => {
      if (isHungUp) leaveTerminal()
      process.exit(0)
    })
  }
  for (const signal of ENDING_SIGNALS) process.on(signal, onSignal)
}

/** On exit Node restores the state of the terminal, and aborts with exit code 134 if the terminal is closed. */
function leaveTerminal(): void {
  for (const fd of [0, 1, 2]) {
    try {
      closeSync(fd)
    } catch {
      // Harmless: it was closed before.
    }
  }
}
