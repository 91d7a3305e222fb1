import { destination, type Logger as PinoLogger, pino } from 'pino'
import type { Config } from './config.ts'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'isLevelEnabled'>

/** Logs JSON lines to stderr, since stdout is for the output of commands. Credentials are redacted. */
export function createLogger(level: Config['logLevel']): Logger {
  const redact = ['token', 'ticket', 'authorization', '*.token', '*.ticket', '*.authorization']
  const stderr = destination({ dest: 2, sync: true })
  // The reader is gone, for example a closed terminal. That must not end the server without a drain.
  stderr.on('error', () => undefined)
  return pino({ level, base: null, redact, timestamp: () => `,"time":"${new Date().toISOString()}"` }, stderr)
}
