/** The built program in a separate process, with everything that it printed. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export interface Program extends AsyncDisposable {
  readonly stdout: string
  readonly stderr: string
  /** The exit code, null when a signal killed it. By then all output has been read. */
  readonly ended: Promise<number | null>
  kill(signal: NodeJS.Signals): void
  /** Resolves when the condition holds; checks it whenever the program prints. */
  until(condition: () => boolean): Promise<void>
}

/** Runs it with the given settings, and none from the environment of this process. */
export function runProgram(args: readonly string[], env: Readonly<Record<string, string>>): Program {
  const ours = /^(BOARDCAST_|PORT$|HOST$|LOG_LEVEL$|NODE_OPTIONS$)/
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, ...env },
  })
  const output = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  let isOver = false
  function look(): void {
    for (const watcher of [...watchers]) watcher()
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
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
      return output.stdout
    },
    get stderr() {
      return output.stderr
    },
    kill: (signal) => child.kill(signal),
    until: (condition) =>
      new Promise((resolve, reject) => {
        function watcher(): void {
          if (condition()) resolve()
          else if (isOver) reject(new Error(`it ended: ${output.stderr}`))
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
