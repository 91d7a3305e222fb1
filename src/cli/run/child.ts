import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { isatty } from 'node:tty'
import { signalExitCode } from '../process/exit.ts'
import { type OutputPipes, openOutputPipes } from './pipes.ts'
import { withRawWords } from './raw-words.ts'

/** How a program ended, in a shell's terms. */
export interface Ending {
  readonly exitCode: number
  readonly signal: NodeJS.Signals | undefined
}

/** A started program whose output we read. */
export interface Child {
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves when the program itself ended; its pipes may still hold output. */
  readonly ended: Promise<Ending>
  /** Reaches the program and what it started; does nothing once it has ended. */
  signal(name: NodeJS.Signals): void
  /** Passes on a signal that we got, unless the terminal has already given it to the program too. Answers whether it did. */
  forward(name: NodeJS.Signals): boolean
  /** Set when the program leads its own group: a Ctrl-Z that stops us does not reach it by itself. */
  readonly ownGroup: boolean
  /** Why the program got sockets instead of pipes, if it did. */
  readonly withoutPipes: string | undefined
}

// Who gets a Ctrl-C? A terminal sends it to every process of the group in the foreground. So:
//   - at a terminal the child stays in our group (else it could not read the keyboard) and already has the first
//     SIGINT (or SIGQUIT, Ctrl-\); forwarding it again would be the second Ctrl-C by which many programs mean "drop
//     everything". A person who presses it again means it, and then the child gets SIGTERM;
//   - without a terminal (CI, a service, a script) the child leads a group of its own and we signal the whole group, as
//     the terminal would: a shell that waits for its own child hears nothing otherwise.

/** Rejects with the system's error (ENOENT, EACCES) when the program cannot be started. No shell is involved. */
export async function startChild(cmd: readonly string[]): Promise<Child> {
  // Not process.stdin: to ask it would open it, which changes how the program may read it.
  const atTerminal = [0, 1, 2].some(isatty)
  const ownGroup = !atTerminal && process.platform !== 'win32'
  const { pipes, failure } = await openOutputPipes()
  const { child, stdout, stderr } = await spawnWith(withRawWords(cmd), pipes, ownGroup)
  const ended = new Promise<Ending>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(endingOf(child.exitCode, child.signalCode))
    else child.once('exit', (code, signal) => resolve(endingOf(code, signal)))
  })
  child.on('error', () => {}) // from here on only a signal that we may not send (sudo): the program goes on, and so do we
  let interrupts = 0

  function signal(name: NodeJS.Signals): void {
    if (child.exitCode !== null || child.signalCode !== null) return
    if (!ownGroup || child.pid === undefined) {
      child.kill(name)
      return
    }
    try {
      process.kill(-child.pid, name)
    } catch {
      child.kill(name) // the group is gone or not ours; the child alone answers false when it is gone as well
    }
  }

  return {
    stdout,
    stderr,
    ended,
    ownGroup,
    withoutPipes: failure,
    signal,
    forward(name) {
      const byTerminal = !ownGroup && (name === 'SIGINT' || name === 'SIGQUIT')
      if (byTerminal) interrupts += 1
      if (byTerminal && interrupts === 1 && handles(child.pid, name)) return false
      signal(byTerminal && interrupts > 1 ? 'SIGTERM' : name)
      return true
    },
  }
}

async function spawnWith([file = '', ...args]: readonly string[], pipes: OutputPipes | undefined, ownGroup: boolean) {
  try {
    const output =
      pipes === undefined ? (['pipe', 'pipe'] as const) : ([pipes.stdout.writeFd, pipes.stderr.writeFd] as const)
    const child = spawn(file, args, { stdio: ['inherit', ...output], detached: ownGroup })
    await once(child, 'spawn') // rejects on `error`
    const stdout = pipes?.stdout.source ?? child.stdout
    const stderr = pipes?.stderr.source ?? child.stderr
    if (stdout === null || stderr === null) throw new Error('a child that was given pipes has them')
    return { child, stdout, stderr }
  } catch (error) {
    pipes?.stdout.source.destroy()
    pipes?.stderr.source.destroy()
    throw error
  } finally {
    if (pipes !== undefined) for (const { writeFd } of [pipes.stdout, pipes.stderr]) closeSync(writeFd)
  }
}

/**
 * Whether a program catches or ignores a signal. One that does neither is ended by it, so that it does no harm to send
 * what the terminal has sent: it has not when it was `kill` that interrupted us.
 */
function handles(pid: number | undefined, name: NodeJS.Signals): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const bit = 1n << BigInt(constants.signals[name] - 1)
    return [...status.matchAll(/^Sig(?:Ign|Cgt):\s*([0-9a-f]+)$/gm)].some(
      ([, mask]) => (BigInt(`0x${mask}`) & bit) !== 0n,
    )
  } catch {
    return true // not Linux: nobody can say
  }
}

function endingOf(code: number | null, signal: NodeJS.Signals | null): Ending {
  if (signal !== null) return { exitCode: signalExitCode(signal), signal }
  return { exitCode: code ?? 0, signal: undefined }
}
