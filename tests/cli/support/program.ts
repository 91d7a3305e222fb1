import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** The path of the built program. */
export const cli = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url))

/** The built program, running. */
export interface Program {
  stdout(): Buffer
  stderr(): string
  readonly pid: number
  kill(signal: NodeJS.Signals): void
  /** Stops reading its stdout, as `head` does when it has enough. */
  closeStdout(): void
  /** Resolves when the condition holds; checked whenever the program writes or ends. */
  until(condition: () => boolean): Promise<void>
  /** Resolves to the exit code when the program has ended and all its output is here. */
  readonly ended: Promise<number | null>
}

/** Starts `boardcast` with these arguments and only the given BOARDCAST_ variables. */
export function boardcast(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { cwd }: { readonly cwd?: string } = {},
): Program {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(BOARDCAST_|PORT$|HOST$|NODE_OPTIONS$|NO_COLOR$|FORCE_COLOR$|XDG_CONFIG_HOME$)/.test(name),
  )
  const child = spawn(process.execPath, [cli, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...env },
    ...(cwd !== undefined && { cwd }),
  })
  onTestFinished(() => {
    child.kill('SIGTERM') // a failed test must not leave its program running
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  const watchers = new Set<() => void>()
  const look = () => {
    for (const watcher of watchers) watcher()
  }
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk)
    look()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.push(chunk)
    look()
  })
  let over = false
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      over = true
      look()
      resolve(code)
    })
  })
  const text = () => Buffer.concat(stderr).toString()
  return {
    ended,
    stdout: () => Buffer.concat(stdout),
    stderr: text,
    pid: child.pid ?? 0,
    kill: (signal) => child.kill(signal),
    closeStdout: () => child.stdout.destroy(),
    until: (condition) =>
      new Promise((resolve, reject) => {
        const watcher = () => {
          if (condition()) resolve()
          else if (over) reject(new Error(`it ended before the condition held; stderr: ${text()}`))
          else return
          watchers.delete(watcher)
        }
        watchers.add(watcher)
        watcher()
      }),
  }
}
