import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

// Node connects a child by a pair of sockets. A program can tell: on Linux a socket cannot be opened by its name, so
// `tee /dev/stderr` and `curl -o /dev/stdout` fail, and `test -p` says no. Node cannot make a pipe either, but it can
// open one that exists. So a shell makes two, we open both ends of each by their names in /proc, and the shell ends.
// Such a pipe has no name and leaves no file behind, whatever becomes of us.

/** Both ends of a pipe: we read one, and the child gets the other. */
export interface OutputPipe {
  readonly source: Readable
  /** Give it to a child, then close it: the pipe ends when nobody holds this end any more. */
  readonly writeFd: number
}

export interface OutputPipes {
  readonly stdout: OutputPipe
  readonly stderr: OutputPipe
}

/** Either pipes, or why there are none. Elsewhere than on Linux sockets can be opened by name, and do. */
export type OpenedPipes = { readonly pipes: OutputPipes | undefined; readonly failure?: string }

const shell = '/bin/sh'
/** The reading ends of two pipes are its descriptors 3 and 4. It says its id, and ends when its input does. */
const pipeHolder = `exec 5<&0; : | { exec 3<&0; : | { exec 4<&0; exec ${shell} -c 'echo $$; read -r _ <&5'; }; }`
const holderTimeoutMs = 5_000

/** The second is for a sandbox that hides the descriptors of other processes, and knows pipes that have a name. */
const ways: readonly (() => OutputPipes | Promise<OutputPipes>)[] = [openUnnamed, openNamed]

export async function openOutputPipes(tried = ways): Promise<OpenedPipes> {
  if (process.platform !== 'linux') return { pipes: undefined }
  const failures: string[] = []
  for (const open of tried) {
    try {
      return { pipes: await open() }
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  return { pipes: undefined, failure: failures.join('; ') }
}

export async function openUnnamed(): Promise<OutputPipes> {
  const holder = spawn(shell, ['-c', pipeHolder], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {},
    detached: true, // a Ctrl-C is not for it
    timeout: holderTimeoutMs,
  })
  try {
    const pid = await firstLine(holder)
    return openPair(`/proc/${pid}/fd/3`, `/proc/${pid}/fd/4`)
  } finally {
    holder.stdin?.destroy()
    holder.stdout?.destroy()
  }
}

function firstLine(holder: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    holder.once('error', reject)
    holder.once('exit', () => reject(new Error(`${shell} ended early`)))
    holder.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
  })
}

export function openNamed(): OutputPipes {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-run-'))
  try {
    const paths = [join(folder, 'stdout'), join(folder, 'stderr')] as const
    execFileSync('mkfifo', ['-m', '600', ...paths], { stdio: 'ignore', timeout: holderTimeoutMs })
    return openPair(...paths)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function openPair(stdoutPath: string, stderrPath: string): OutputPipes {
  const stdout = openBothEnds(stdoutPath)
  try {
    return { stdout, stderr: openBothEnds(stderrPath) }
  } catch (error) {
    closeSync(stdout.writeFd)
    stdout.source.destroy()
    throw error
  }
}

/** The reading end first: a pipe that nobody reads would make the opening of the other end wait. */
function openBothEnds(path: string): OutputPipe {
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const writeFd = openSync(path, constants.O_WRONLY)
    return { source: new Socket({ fd: readFd, readable: true, writable: false }), writeFd }
  } catch (error) {
    closeSync(readFd)
    throw error
  }
}
