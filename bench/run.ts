/** `npm run bench`: every load on every side in turn, and what came of it as tables and as JSON. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Arguments, choose, parse, USAGE } from './arguments.ts'
import { boardcast, boardcastWs } from './boardcast.ts'
import { check } from './check.ts'
import { compile } from './compile.ts'
import type { Bench } from './load.ts'
import { loads } from './loads/all.ts'
import { describe, machine } from './machine.ts'
import { peers } from './peers.ts'
import { type LoadResult, runLoad } from './rounds.ts'
import type { Side } from './side.ts'
import { budgets, details, overview } from './table.ts'
import { removeFolder, tempFolder } from './temp.ts'

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const LATEST = fileURLToPath(new URL('results/latest.json', import.meta.url))

function say(text: string): void {
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
      say(`${USAGE}\n\nloads\n${named(loads)}\n\nsides\n${named(allSides(''))}`)
      return
    }
    if (!existsSync(CLI)) throw new Error('dist/cli.js is not there: npm run build')
    const programs = compile(folder)
    const wanted = choose(allSides(programs.floor), args.sides, '--sides')
    const sides = wanted.filter((side) => {
      const missing = side.missing()
      if (missing) progress(`${side.title}: left out, ${missing}`)
      return !missing
    })
    const bench: Bench = { scale: args.scale, programs, sides, pick: (values) => values[args.scale] }
    if (args.check) say(await check(bench, args.rounds))
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
  const chosen = choose(loads, only, '--only')
  if (chosen.every((load) => load.cases(bench).length === 0)) {
    throw new Error('None of these loads has any of these sides; npm run bench -- --help names them.')
  }
  const where = machine()
  mkdirSync(dirname(json), { recursive: true })
  // Now, and not after the first load: it may be no place to write to.
  save(false)
  say(`${describe(where)}; ${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`}, ${bench.scale} scale.\n`)
  for (const load of chosen) {
    const result = await runLoad(bench, load, { rounds, progress })
    results.push(result)
    // Load by load: the whole takes most of an hour, and what is measured is measured.
    say(`${details(result, bench.sides)}\n`)
    save(load === chosen.at(-1))
  }
  say(`### All loads\n\n${overview(results, bench.sides)}\n`)
  // A run of a few listeners says nothing of promises that were made for a thousand.
  if (bench.scale !== 'tiny') say(`### Budgets\n\n${budgets(results)}\n`)
  progress(`${Math.round((Date.now() - began) / 1000)} s; the rounds one by one are in ${json}`)
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
