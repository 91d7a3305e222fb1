/** A load: what one or several sides have to do, and which figures result. */
import type { Programs } from './compile.ts'
import { generate, type Load as Options, type Report, requireExact } from './generator.ts'
import type { Running, Side } from './side.ts'

/** How much to run: the whole bench, five minutes of it, or just enough to prove that it works. */
export type Scale = 'full' | 'quick' | 'tiny'

export interface Figure {
  readonly name: string
  readonly title: string
  readonly unit: '/s' | 'µs' | 'ms' | 's' | 'KiB' | 'MiB' | 'B' | '×' | ''
  readonly better: 'less' | 'more'
}

export type Readings = Readonly<Record<string, number>>

/** One side in one variant of a load. */
export interface Case {
  /** Column of the table. */
  readonly side: string
  /** Row of the table, within the load; empty when there is only one. */
  readonly variant: string
  /** Starts the side, measures and stops it. */
  measure(): Promise<Readings>
}

export interface Budget {
  /** The promise, as the table shows it. */
  readonly promise: string
  /** What was measured, and whether it keeps the promise; undefined when a side that it needs was not run. */
  judge(median: (side: string, variant: string, figure: string) => number | undefined): Verdict | undefined
}

export interface Verdict {
  readonly measured: string
  readonly kept: boolean
}

export interface Load {
  readonly name: string
  readonly title: string
  /** What the load does, for readers of the table. */
  readonly sentence: string
  /** The overview shows the first, with its ratio to Boardcast. */
  readonly figures: readonly Figure[]
  readonly budgets: readonly Budget[]
  /** Why the load cannot run on this machine; undefined, or left out, when it can. */
  missing?(): string | undefined
  cases(bench: Bench): readonly Case[]
}

export interface Bench {
  readonly scale: Scale
  readonly programs: Programs
  /** The requested sides that can run on this machine. */
  readonly sides: readonly Side[]
  /** Picks the value for the scale of this run. */
  pick<T>(values: Readonly<Record<Scale, T>>): T
}

/** The sides or loads that can run on this machine. Reports why the others cannot. */
export function runnable<T extends { readonly title: string; missing?(): string | undefined }>(
  all: readonly T[],
  report: (text: string) => void,
): readonly T[] {
  return all.filter((one) => {
    const missing = one.missing?.()
    if (missing !== undefined) report(`${one.title}: skipped, ${missing}`)
    return missing === undefined
  })
}

/** Runs a load against a side; anything but an exact run is an error. */
export async function measured(bench: Bench, side: Running, options: Options): Promise<Report> {
  return requireExact(await generate(bench.programs.generator, side, options))
}

/**
 * A short full load before a measurement at a low rate: it leaves the code compiled, as in a server that has been running
 * for a while.
 */
export async function warmUp(bench: Bench, side: Running, options: Options = {}): Promise<void> {
  const seconds = bench.pick({ full: 1.5, quick: 0.35, tiny: 0.1 })
  await measured(bench, side, { listeners: 20, publishers: 8, seconds, settleMs: 50, ...options })
}

/** Starts a server, uses it, and always stops it. */
export async function using<Server extends { stop(): Promise<void> }, T>(
  starting: Promise<Server>,
  use: (server: Server) => Promise<T>,
): Promise<T> {
  const server = await starting
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

/** The budget of a ratio: `a` is at most `times` as much as `b`. */
export function atMostTimes(times: number, a: number | undefined, b: number | undefined): Verdict | undefined {
  const is = ratio(a, b)
  return is === undefined ? undefined : { measured: `${is.toFixed(2)} ×`, kept: is <= times }
}

/** `a / b`, when both are known. */
export function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b
}
