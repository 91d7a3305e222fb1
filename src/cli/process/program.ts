/** A program that a command starts and waits for; its output passes through. */
import { spawn } from 'node:child_process'
import { isatty } from 'node:tty'
import { environmentWith } from './environment.ts'

/** A program that was asked to end and continues is killed after this long. */
const KILL_AFTER_MS = 5_000

export interface ProgramOptions {
  /** Given on stdin; without it stdin is that of this process. */
  readonly input?: string
  readonly variables?: Readonly<Record<string, string>>
  /** Asks the program to end. */
  readonly signal: AbortSignal
}

export interface Program {
  /** Why it failed, such as `exit code 3`; undefined if it succeeded. */
  readonly ended: Promise<string | undefined>
  /** It has ended because nobody reads its output any more. */
  readonly hasNoReader: () => boolean
  /** Sends SIGTERM, and SIGKILL if it continues. */
  end(): void
  /** At once. */
  kill(): void
}

/** `command` is a line for the shell, or a program with its arguments. */
export function startProgram(command: string | readonly string[], options: ProgramOptions): Program {
  const { input, variables = {}, signal } = options
  const [file = '', ...args] = typeof command === 'string' ? [command] : command
  // At a terminal the program stays in the foreground group: it may read the keyboard, and gets Ctrl-C itself. Elsewhere it
  // leads a group, so that what it has started ends with it.
  const ownGroup = process.platform !== 'win32' && (input !== undefined || ![0, 1, 2].some(isatty))
  const child = spawn(file, args, {
    shell: typeof command === 'string',
    detached: ownGroup,
    stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
    env: environmentWith(variables),
  })
  child.stdin?.on('error', () => {}) // it need not read its input
  child.stdin?.end(input)

  let killing: NodeJS.Timeout | undefined
  const end = () => {
    send('SIGTERM')
    killing ??= setTimeout(() => send('SIGKILL'), KILL_AFTER_MS)
  }
  let endedBy: NodeJS.Signals | null = null
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(`it cannot be started (${error.message})`))
    child.once('exit', (code, by) => {
      endedBy = by
      resolve(code === 0 ? undefined : by === null ? `exit code ${code}` : `killed by ${by}`)
    })
  }).finally(() => {
    clearTimeout(killing)
    signal.removeEventListener('abort', end)
  })
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  return { ended, hasNoReader: () => endedBy === 'SIGPIPE', end, kill: () => send('SIGKILL') }

  function send(name: NodeJS.Signals): void {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    try {
      process.kill(ownGroup ? -child.pid : child.pid, name)
    } catch {
      // It has just ended, or belongs to somebody else.
    }
  }
}
