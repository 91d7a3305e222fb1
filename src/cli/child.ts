import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { signalExitCode } from './exit.ts'

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
  /** Passes on a signal that we got, unless the terminal has already given it to the program too. */
  forward(name: NodeJS.Signals): void
}

// Who gets a Ctrl-C? A terminal sends it to every process of the group in the foreground. So:
//   - at a terminal the child stays in our group (else it could not read the keyboard) and already has the first
//     SIGINT; forwarding it again would be the second Ctrl-C by which many programs mean "drop everything". A person
//     who presses it again means it, and then the child gets SIGTERM;
//   - without a terminal (CI, a service, a script) the child leads a group of its own and we signal the whole group, as
//     the terminal would: a shell that waits for its own child hears nothing otherwise.

/** Rejects with the system's error (ENOENT, EACCES) when the program cannot be started. No shell is involved. */
export async function startChild([file = '', ...args]: readonly string[]): Promise<Child> {
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  const ownGroup = !atTerminal && process.platform !== 'win32'
  const child = spawn(file, args, { stdio: ['inherit', 'pipe', 'pipe'], detached: ownGroup })
  const ended = new Promise<Ending>((resolve) => {
    child.once('exit', (code, signal) => resolve(endingOf(code, signal)))
  })
  await once(child, 'spawn') // rejects on `error`
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
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    signal,
    forward(name) {
      if (ownGroup || name !== 'SIGINT') return signal(name)
      interrupts += 1
      if (interrupts > 1) signal('SIGTERM')
    },
  }
}

function endingOf(code: number | null, signal: NodeJS.Signals | null): Ending {
  if (signal !== null) return { exitCode: signalExitCode(signal), signal }
  return { exitCode: code ?? 0, signal: undefined }
}
