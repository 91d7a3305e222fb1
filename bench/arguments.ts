/** The command line of the bench. */
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

  --quick           five minutes: one round, short runs, fewer listeners where they take time
  --only a,b        only these loads
  --sides a,b       only these sides; boardcast is one of them
  --rounds N        how often each is measured; default 3 (1 with --quick)
  --json FILE       where the results go as JSON; default bench/results/latest.json
  --check           only check whether the load generator is the bottleneck
  --help            this text, with the names of loads and sides

The flags in BENCH_NODE_ARGS are passed to Boardcast's Node: BENCH_NODE_ARGS='--cpu-prof --cpu-prof-dir=profiles'.

Without --quick, all loads on all sides take an hour. Progress goes to stderr. Tables go to stdout as Markdown, and
results to the JSON file, as soon as a load is done. Run it on a machine that is otherwise idle.`

/** Throws for invalid arguments, with a message for the user. */
export function parse(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      // The smallest scale that still runs everything, for the test of the bench.
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

/** Throws unless the number of rounds is valid. */
export function wholeRounds(given: string | undefined, scale: Scale): number {
  const rounds = Number(given ?? (scale === 'full' ? 3 : 1))
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds must be an integer above 0, not ${given}`)
  return rounds
}

function names(list: string | undefined): readonly string[] | undefined {
  return list?.split(',').map((name) => name.trim())
}

/** Throws for an unknown name. */
export function choose<T extends { readonly name: string }>(
  all: readonly T[],
  wanted: readonly string[] | undefined,
  option: string,
): readonly T[] {
  if (!wanted) return all
  const unknown = wanted.filter((name) => !all.some((one) => one.name === name))
  if (unknown.length > 0) {
    throw new Error(`${option}: unknown ${unknown.join(', ')}; choose from ${all.map(({ name }) => name).join(', ')}`)
  }
  return all.filter(({ name }) => wanted.includes(name))
}
