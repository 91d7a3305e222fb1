/** A load: what is asked of one or several sides, and which figures come of it. */
import type { Programs } from './compile.ts'
import { generate, type Load as Options, type Report, requireExact } from './generator.ts'
import type { Running, Side } from './side.ts'

/** How much time there is: the whole bench, a bench of two minutes, or a proof that it runs. */
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
  /** Row of the table, within the load; empty when there is one only. */
  readonly variant: string
  /** Starts the side, measures, ends it. */
  measure(): Promise<Readings>
}

export interface Budget {
  /** As it was promised. */
  readonly promise: string
  /** What was measured in its terms, and whether that keeps it; undefined when a side that it needs was not run. */
  judge(median: (side: string, variant: string, figure: string) => number | undefined): Verdict | undefined
}

export interface Verdict {
  readonly measured: string
  readonly kept: boolean
}

export interface Load {
  readonly name: string
  readonly title: string
  /** What is done, for who reads the table. */
  readonly sentence: string
  /** The first is shown with its ratio. */
  readonly figures: readonly Figure[]
  readonly budgets: readonly Budget[]
  cases(bench: Bench): readonly Case[]
}

export interface Bench {
  readonly scale: Scale
  readonly programs: Programs
  /** Those that can be run here and were asked for. */
  readonly sides: readonly Side[]
  /** A value for every scale. */
  pick<T>(values: Readonly<Record<Scale, T>>): T
}

/** Puts a side under a load; anything but an exact run is an error. */
export async function measured(bench: Bench, side: Running, options: Options): Promise<Report> {
  return requireExact(await generate(bench.programs.generator, side, options))
}

/**
 * A second or less of full load before a measurement at a low rate: every server's code is compiled then, as it is in one
 * that has been up for a while.
 */
export async function warmUp(bench: Bench, side: Running, options: Options = {}): Promise<void> {
  const seconds = bench.pick({ full: 1.5, quick: 0.35, tiny: 0.1 })
  await measured(bench, side, { listeners: 20, publishers: 8, seconds, settleMs: 50, ...options })
}

/** Starts a server, uses it and ends it, whatever happens. */
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

/** `a` in terms of `b`, where there are both. */
export function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b
}
