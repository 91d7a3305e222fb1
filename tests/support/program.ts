/** The built program in a process of its own, with everything that it printed. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export interface Program extends AsyncDisposable {
  readonly stdout: string
  readonly stderr: string
  /** The exit code, null when a signal killed it; all output is here then. */
  readonly ended: Promise<number | null>
  kill(signal: NodeJS.Signals): void
  /** Resolves when the condition holds; looked at whenever the program prints. */
  until(condition: () => boolean): Promise<void>
}

/** Runs it with no setting from this process's environment but those given. */
export function runProgram(args: readonly string[], env: Readonly<Record<string, string>>): Program {
  const ours = /^(BOARDCAST_|PORT$|HOST$|LOG_LEVEL$|NODE_OPTIONS$)/
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, ...env },
  })
  const said = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  let isOver = false
  function look(): void {
    for (const watcher of [...watchers]) watcher()
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
      look()
    })
  }
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      isOver = true
      look()
      resolve(code)
    })
  })
  return {
    ended,
    get stdout() {
      return said.stdout
    },
    get stderr() {
      return said.stderr
    },
    kill: (signal) => child.kill(signal),
    until: (condition) =>
      new Promise((resolve, reject) => {
        function watcher(): void {
          if (condition()) resolve()
          else if (isOver) reject(new Error(`it ended: ${said.stderr}`))
          else return
          watchers.delete(watcher)
        }
        watchers.add(watcher)
        watcher()
      }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
