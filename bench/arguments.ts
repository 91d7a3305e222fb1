/** What the bench is asked for on the command line. */
import { parseArgs } from 'node:util'
import type { Scale } from './load.ts'

export interface Arguments {
  readonly scale: Scale
  readonly rounds: number
  /** Names of loads; undefined: all. */
  readonly only: readonly string[] | undefined
  readonly sides: readonly string[] | undefined
  readonly json: string | undefined
  readonly check: boolean
  readonly help: boolean
}

export const USAGE = `npm run bench -- [options]

  --quick           two minutes: one round, short runs, fewer listeners where they take long
  --only a,b        these loads
  --sides a,b       these sides; Boardcast alone is a side as well
  --rounds N        how often each is measured; 3 unless given (1 with --quick)
  --json FILE       the results for programs (bench/results/latest.json unless given)
  --check           whether the load generator is what is measured, and nothing else
  --help            this, with the names of loads and sides

BENCH_NODE_ARGS in the environment is given to Boardcast's Node: BENCH_NODE_ARGS='--cpu-prof --cpu-prof-dir=profiles'.

Without --quick all loads on all sides take 40 minutes. Progress is on stderr; the tables are on stdout as markdown,
each when its load is through, and in the JSON at once. Run it on a machine that does nothing else.`

/** Throws a sentence for what cannot be understood. */
export function parse(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      // The smallest that still goes through everything; for the test of the bench.
      tiny: { type: 'boolean', default: false },
      only: { type: 'string' },
      sides: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'string' },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const scale = values.tiny ? 'tiny' : values.quick ? 'quick' : 'full'
  const rounds = wholeRounds(values.rounds, scale)
  return {
    scale,
    rounds,
    only: names(values.only),
    sides: names(values.sides),
    json: values.json,
    check: values.check,
    help: values.help,
  }
}

/** Throws for what is no number of rounds. */
export function wholeRounds(given: string | undefined, scale: Scale): number {
  const rounds = Number(given ?? (scale === 'full' ? 3 : 1))
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds must be a whole number above 0, not ${given}`)
  return rounds
}

function names(list: string | undefined): readonly string[] | undefined {
  return list?.split(',').map((name) => name.trim())
}

/** Throws for a name that is not among those there are. */
export function choose<T extends { readonly name: string }>(
  all: readonly T[],
  wanted: readonly string[] | undefined,
  option: string,
): readonly T[] {
  if (!wanted) return all
  const unknown = wanted.filter((name) => !all.some((one) => one.name === name))
  if (unknown.length > 0) {
    throw new Error(
      `${option}: there is no ${unknown.join(', ')}; choose among ${all.map(({ name }) => name).join(', ')}`,
    )
  }
  return all.filter(({ name }) => wanted.includes(name))
}
