/** Runs a program in a shell for each event: the envelope is on its stdin, its output passes through. */
import { spawn } from 'node:child_process'
import { environmentWith } from '../process/environment.ts'
import type { Talk } from '../process/output.ts'
import type { EventItem } from '../stream/event-source.ts'

/** After an end was asked for, a program that continues is killed. */
const KILL_AFTER_MS = 5_000

export interface EventProgram {
  /** Resolves to whether the program succeeded. When the signal aborts, the program is ended first. */
  run(item: EventItem, signal: AbortSignal): Promise<boolean>
  /** Kills the running one at once. */
  kill(): void
}

export function eventProgram(command: string, talk: Talk): EventProgram {
  let current: ReturnType<typeof start> | undefined
  return {
    kill: () => current?.end('SIGKILL'),
    async run(item, signal) {
      const program = start(command, item)
      current = program
      let killing: NodeJS.Timeout | undefined
      const abort = () => {
        program.end('SIGTERM')
        killing = setTimeout(() => program.end('SIGKILL'), KILL_AFTER_MS)
      }
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
      const failure = await program.ended
      clearTimeout(killing)
      signal.removeEventListener('abort', abort)
      current = undefined
      if (failure === undefined) return true
      if (!signal.aborted) talk.warn(`--exec for ${item.envelope.event} ${item.envelope.id}: ${failure}`)
      return false
    },
  }
}

function start(command: string, { envelope, text }: EventItem) {
  const { event, id, channel } = envelope
  const variables = { BOARDCAST_EVENT: event, BOARDCAST_ID: id, BOARDCAST_CHANNEL: channel }
  // A group of its own, so that what the shell has started ends with it.
  const child = spawn(command, {
    shell: true,
    detached: process.platform !== 'win32',
    stdio: ['pipe', 'inherit', 'inherit'],
    env: environmentWith(variables),
  })
  child.stdin.on('error', () => {}) // it need not read its input
  child.stdin.end(`${text}\n`)
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(`it cannot be started: ${error.message}`))
    child.once('exit', (code, signal) => {
      resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : `killed by ${signal}`)
    })
  })
  return {
    ended,
    end(signal: NodeJS.Signals): void {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
      try {
        process.kill(-child.pid, signal)
      } catch {
        child.kill(signal) // no group, or it has just ended
      }
    },
  }
}
