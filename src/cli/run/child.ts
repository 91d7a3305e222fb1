import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { isatty } from 'node:tty'
import { signalExitCode } from '../process/exit.ts'
import { type OutputPipes, openOutputPipes } from './pipes.ts'
import { withRawArguments } from './raw-arguments.ts'

/** How a program ended, in a shell's terms. */
export interface Ending {
  readonly exitCode: number
  readonly signal: NodeJS.Signals | undefined
}

/** A started program whose output this process reads. */
export interface Child {
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves when the program itself has ended; its pipes may still hold output. */
  readonly ended: Promise<Ending>
  /** Signals the program and its children; does nothing once it has ended. */
  signal(name: NodeJS.Signals): void
  /** Forwards a signal to the program, unless the terminal has already sent it there. Returns whether it forwarded. */
  forward(name: NodeJS.Signals): boolean
  /** The program leads its own process group, so a Ctrl-Z at the terminal does not reach it. */
  readonly ownGroup: boolean
  /** Why the program has sockets instead of pipes; undefined when it has pipes. */
  readonly withoutPipes: string | undefined
}

// A terminal sends Ctrl-C to every process of its foreground group. So:
//   - At a terminal the child stays in our group, since it could not read the keyboard otherwise. It has already received
//     the first SIGINT (or SIGQUIT, Ctrl-\). Forwarding it would look like a second Ctrl-C, which makes many programs abort
//     at once. When the user really presses it again, the child gets SIGTERM.
//   - Without a terminal (CI, a service, a script) the child leads its own group and we signal the whole group, as a
//     terminal would. Otherwise a shell would receive the signal, but not the command that it waits for.

/** Rejects with the system's error (ENOENT, EACCES) when the program cannot be started. No shell is involved. */
export async function startChild(cmd: readonly string[]): Promise<Child> {
  // Not process.stdin: accessing it opens it, which would affect how the program can read it.
  const atTerminal = [0, 1, 2].some(isatty)
  const ownGroup = !atTerminal && process.platform !== 'win32'
  const { pipes, failure } = await openOutputPipes()
  const { child, stdout, stderr } = await spawnWith(withRawArguments(cmd), pipes, ownGroup)
  const ended = new Promise<Ending>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(endingOf(child.exitCode, child.signalCode))
    else child.once('exit', (code, signal) => resolve(endingOf(code, signal)))
  })
  child.on('error', () => {}) // from here on only a signal that we may not send (sudo), which is harmless
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
      child.kill(name) // the group has ended or is not ours; this is harmless if the child has ended too
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
    if (stdout === null || stderr === null) throw new Error('a child with piped output must have streams')
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
 * Whether a program catches or ignores a signal. If it does neither, the signal ends it, so sending it a second time is
 * harmless, and necessary if the first came from `kill` and only reached this process.
 */
function handles(pid: number | undefined, name: NodeJS.Signals): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const bit = 1n << BigInt(constants.signals[name] - 1)
    return [...status.matchAll(/^Sig(?:Ign|Cgt):\s*([0-9a-f]+)$/gm)].some(
      ([, mask]) => (BigInt(`0x${mask}`) & bit) !== 0n,
    )
  } catch {
    return true // not Linux: unknown
  }
}

function endingOf(code: number | null, signal: NodeJS.Signals | null): Ending {
  if (signal !== null) return { exitCode: signalExitCode(signal), signal }
  return { exitCode: code ?? 0, signal: undefined }
}
