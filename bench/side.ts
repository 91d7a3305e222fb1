/** A side: a server that the bench starts, puts under load and ends. */
import { type ChildProcess, spawn } from 'node:child_process'

export type Kind = 'sse' | 'ws' | 'socketio'

/** Where listeners and publishers go, and what is posted: `before`, `batch` times `item`, `after`. */
export interface Addresses {
  readonly stream: string
  readonly publish: string
  readonly before: string
  readonly item: string
  readonly after: string
}

export interface Running {
  readonly kind: Kind
  readonly port: number
  readonly pids: readonly number[]
  readonly addresses: Addresses
  /** Ends the server and removes what it left. */
  stop(): Promise<void>
}

export interface Side {
  /** For `--sides`, and the name in the results. */
  readonly name: string
  readonly title: string
  readonly kind: Kind
  /** Why it cannot be run here. */
  missing(): string | undefined
  start(): Promise<Running>
}

export interface Process {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

export interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const PATIENCE_MS = 60_000

/** Starts a program that says `listening on http://HOST:PORT` on stdout, and resolves when it has. */
export function startProcess({ command, args, env = {} }: Command): Promise<Process> {
  // Settings of the caller's own server must not reach ours.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(BOARDCAST_|PORT$|HOST$|NODE_OPTIONS$)/.test(name),
  )
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...env },
  })
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    let said = ''
    let complained = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const port = /listening on http:\/\/[\d.]+:(\d+)/.exec(said)?.[1]
      if (port === undefined || child.pid === undefined) return
      clearTimeout(patience)
      resolve({ pid: child.pid, port: Number(port), stop: () => end(child) })
    })
    child.stderr.on('data', (chunk: Buffer) => {
      complained = (complained + chunk.toString()).slice(-4_000)
    })
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(new Error(`${command} ended (${code ?? signal}): ${complained.trim()}`)),
    )
  })
}

/** Resolves when the process is gone. It is asked first; thousands of open streams may keep it from listening. */
export function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const insist = setTimeout(() => child.kill('SIGKILL'), 5_000)
    child.once('exit', () => {
      clearTimeout(insist)
      resolve()
    })
    child.kill('SIGTERM')
  })
}
