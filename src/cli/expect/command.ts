/** The program whose events are judged. Its output passes through. */
import { spawn } from 'node:child_process'
import { isatty } from 'node:tty'
import type { CommandResult } from '../../expect/report/run.ts'

export type Command =
  | { readonly text: string; readonly args: readonly string[] }
  | { readonly text: string; readonly shell: string }

export interface RunningCommand {
  /** Never rejects. */
  readonly ended: Promise<Omit<CommandResult, 'isOverdue'>>
  isRunning(): boolean
  /** Signals the program and all that it started. */
  signal(name: NodeJS.Signals): void
}

/** A program that ignores SIGTERM is killed after this long. */
const KILL_AFTER_MS = 5_000

export function startCommand(command: Command, { outputToStderr }: { outputToStderr: boolean }): RunningCommand {
  // At a terminal the program stays in our group, to be able to read the keyboard. Elsewhere it gets one of its own, so
  // that what it starts ends with it.
  const ownGroup = ![0, 1, 2].some(isatty) && process.platform !== 'win32'
  const stdio = ['inherit', outputToStderr ? 2 : 'inherit', 'inherit'] as const
  const [file = '', ...args] = 'shell' in command ? [command.shell] : command.args
  const child = spawn(file, args, { stdio: [...stdio], detached: ownGroup, shell: 'shell' in command })
  let isRunning = true
  const ended = new Promise<Omit<CommandResult, 'isOverdue'>>((resolve) => {
    const end = (result: Omit<CommandResult, 'isOverdue' | 'text'>) => {
      isRunning = false
      resolve({ text: command.text, ...result })
    }
    child.on('error', (error) => {
      if (child.pid !== undefined) return // a signal that we may not send
      const code = 'code' in error ? String(error.code) : error.message
      end({ exitCode: null, signal: null, failure: `could not be started (${code})` })
    })
    child.once('exit', (exitCode, signal) => end({ exitCode, signal }))
  })
  return {
    ended,
    isRunning: () => isRunning,
    signal(name) {
      if (!isRunning || child.pid === undefined) return
      try {
        if (ownGroup) process.kill(-child.pid, name)
        else child.kill(name)
      } catch {
        child.kill(name) // the group has just ended
      }
    },
  }
}

/** Resolves when the program has ended, whatever that takes. */
export async function endCommand(command: RunningCommand): Promise<void> {
  if (!command.isRunning()) return
  command.signal('SIGTERM')
  const killing = setTimeout(() => command.signal('SIGKILL'), KILL_AFTER_MS)
  await command.ended
  clearTimeout(killing)
}
