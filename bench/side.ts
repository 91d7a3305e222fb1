/** A side: a server that the bench starts, puts under load and stops. */
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
  /** Stops the server and removes its files. */
  stop(): Promise<void>
}

export interface Side {
  /** For `--sides`, and the name in the results. */
  readonly name: string
  readonly title: string
  readonly kind: Kind
  /** Why the side cannot run on this machine; undefined when it can. */
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

/** Starts a program that prints `listening on http://HOST:PORT` on stdout, and resolves when it has printed it. */
export function startProcess({ command, args, env = {} }: Command): Promise<Process> {
  // Settings of another server on this machine must not apply here.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(BOARDCAST_|PORT$|HOST$|NODE_OPTIONS$)/.test(name),
  )
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...env },
  })
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const port = /listening on http:\/\/[\d.]+:(\d+)/.exec(output)?.[1]
      if (port === undefined || child.pid === undefined) return
      clearTimeout(patience)
      resolve({ pid: child.pid, port: Number(port), stop: () => end(child) })
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4_000)
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`${command} ended (${code ?? signal}): ${errors.trim()}`)))
  })
}

/** Resolves when the process has ended. It gets SIGTERM first, and SIGKILL when thousands of open streams keep it busy. */
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
