import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

// Node connects a child by socket pairs. Programs can tell: on Linux a socket cannot be opened by its path, so
// `tee /dev/stderr` and `curl -o /dev/stdout` fail, and `test -p` is false. Node cannot create a pipe, but it can open one
// that exists. So a shell creates two, we open both ends of each through /proc, and the shell exits. These pipes have no
// name and leave no file behind, even if this process is killed.

/** Both ends of a pipe: this process reads one, the child gets the other. */
export interface OutputPipe {
  readonly source: Readable
  /** Pass it to a child, then close it: the pipe ends when every copy of this descriptor is closed. */
  readonly writeFd: number
}

export interface OutputPipes {
  readonly stdout: OutputPipe
  readonly stderr: OutputPipe
}

/** The pipes, or why there are none. Only Linux needs them: elsewhere sockets can be opened by path. */
export type OpenedPipes = { readonly pipes: OutputPipes | undefined; readonly failure?: string }

const shell = '/bin/sh'
/** A shell whose descriptors 3 and 4 are the read ends of two pipes. It prints its pid and exits when its input ends. */
const pipeHolder = `exec 5<&0; : | { exec 3<&0; : | { exec 4<&0; exec ${shell} -c 'echo $$; read -r _ <&5'; }; }`
const holderTimeoutMs = 5_000

/** Named pipes are the fallback for sandboxes that hide the descriptors of other processes. */
const methods: readonly (() => OutputPipes | Promise<OutputPipes>)[] = [openUnnamed, openNamed]

/** Tries each method in turn; never rejects. */
export async function openOutputPipes(tried = methods): Promise<OpenedPipes> {
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
    detached: true, // keeps Ctrl-C away from it
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

/** Opens the read end first: opening the write end blocks until the pipe has a reader. */
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
