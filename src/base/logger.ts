import { destination, type Logger as PinoLogger, pino } from 'pino'
import type { Config } from './config.ts'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'isLevelEnabled'>

/** JSON lines on stderr: stdout belongs to the program's own output. Credentials never reach a log. */
export function createLogger(level: Config['logLevel']): Logger {
  const redact = ['token', 'ticket', 'authorization', '*.token', '*.ticket', '*.authorization']
  const stderr = destination({ dest: 2, sync: true })
  // Whoever read it is not there any more (a closed terminal): no reason to end without a drain.
  stderr.on('error', () => undefined)
  return pino({ level, base: null, redact, timestamp: () => `,"time":"${new Date().toISOString()}"` }, stderr)
}
