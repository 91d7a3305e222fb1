import { destination, type Logger as PinoLogger, pino } from 'pino'
import type { Config } from './config.ts'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'isLevelEnabled'>

/** JSON lines on stderr: stdout belongs to the program's own output. Credentials never reach a log. */
export function createLogger(level: Config['logLevel']): Logger {
  const redact = ['token', 'ticket', 'authorization', '*.token', '*.ticket', '*.authorization']
  return pino(
    { level, base: null, redact, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    destination({ dest: 2, sync: true }),
  )
}
