/** `npm run bench`: runs every load on every side in turn, and reports the results as tables and as JSON. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Arguments, choose, parse, USAGE } from './arguments.ts'
import { boardcast, boardcastWs } from './boardcast.ts'
import { check } from './check.ts'
import { compile } from './compile.ts'
import { type Bench, runnable } from './load.ts'
import { loads } from './loads/all.ts'
import { describe, machine } from './machine.ts'
import { peers } from './peers.ts'
import { type LoadResult, runLoad } from './rounds.ts'
import type { Side } from './side.ts'
import { budgets, details, overview } from './table.ts'
import { removeFolder, tempFolder } from './temp.ts'

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const LATEST = fileURLToPath(new URL('results/latest.json', import.meta.url))

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

async function main(args: Arguments): Promise<void> {
  const folder = tempFolder('bench')
  try {
    if (args.help) {
      const named = (list: ReadonlyArray<{ name: string; title: string }>) =>
        list.map(({ name, title }) => `  ${name.padEnd(18)}${title}`).join('\n')
      print(`${USAGE}\n\nloads\n${named(loads)}\n\nsides\n${named(allSides(''))}`)
      return
    }
    if (!existsSync(CLI)) throw new Error('dist/cli.js is missing: run npm run build')
    const programs = compile(folder)
    const wanted = choose(allSides(programs.floor), args.sides, '--sides')
    const sides = runnable(wanted, progress)
    const bench: Bench = { scale: args.scale, programs, sides, pick: (values) => values[args.scale] }
    if (args.check) print(await check(bench, args.rounds))
    else await measureAll(bench, args)
  } finally {
    removeFolder(folder)
  }
}

function allSides(floor: string): readonly Side[] {
  return [
    boardcast,
    ...peers(floor).filter(({ kind }) => kind === 'sse'),
    boardcastWs,
    ...peers(floor).filter(({ kind }) => kind !== 'sse'),
  ]
}

async function measureAll(bench: Bench, { only, rounds, json = LATEST }: Arguments): Promise<void> {
  const began = Date.now()
  const results: LoadResult[] = []
  const chosen = runnable(choose(loads, only, '--only'), progress)
  if (chosen.every((load) => load.cases(bench).length === 0)) {
    throw new Error('None of these loads runs here, or on any of these sides; npm run bench -- --help lists them.')
  }
  const where = machine()
  mkdirSync(dirname(json), { recursive: true })
  // Before the first load, so that a path that cannot be written fails at once.
  save(false)
  print(`${describe(where)}; ${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`}, ${bench.scale} scale.\n`)
  for (const load of chosen) {
    const result = await runLoad(bench, load, { rounds, progress })
    results.push(result)
    // After every load: the whole bench takes most of an hour, and finished results must survive an abort.
    print(`${details(result, bench.sides)}\n`)
    save(load === chosen.at(-1))
  }
  print(`### All loads\n\n${overview(results, bench.sides)}\n`)
  // The promises are made for a thousand listeners; a tiny run has a few.
  if (bench.scale !== 'tiny') print(`### Budgets\n\n${budgets(results)}\n`)
  progress(`${Math.round((Date.now() - began) / 1000)} s; all rounds are in ${json}`)
  if (results.some(({ cases }) => cases.some(({ failure }) => failure !== undefined))) process.exitCode = 1

  function save(isComplete: boolean): void {
    const found = { machine: where, scale: bench.scale, rounds, isComplete, loads: results.map(plain) }
    writeFileSync(json, `${JSON.stringify(found, null, 1)}\n`)
  }
}

function plain({ load, cases }: LoadResult): object {
  const { name, title, figures } = load
  return { name, title, figures, cases }
}

try {
  await main(parse(process.argv.slice(2)))
} catch (error) {
  progress(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
