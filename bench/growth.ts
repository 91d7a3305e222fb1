/** `npm run bench:growth`: how costs grow with size, as tables on stdout and as plots in docs/images. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { choose, wholeRounds } from './arguments.ts'
import { compile } from './compile.ts'
import { type Axis, medians, tableOf } from './growth/axis.ts'
import { boards } from './growth/boards.ts'
import { listeners } from './growth/listeners.ts'
import { log } from './growth/log.ts'
import { renderPlot } from './growth/plot.ts'
import type { Bench, Readings, Scale } from './load.ts'
import { describe, machine } from './machine.ts'
import { removeFolder, tempFolder } from './temp.ts'

const USAGE = `npm run bench:growth -- [--quick] [--only listeners,log,boards] [--rounds N] [--images FOLDER]

Medians of 3 rounds (1 with --quick, which needs --images). The plots go to docs/images by default.`

const axes = [listeners, log, boards]
const IMAGES = fileURLToPath(new URL('../docs/images', import.meta.url))

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      tiny: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      images: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const scale: Scale = values.tiny ? 'tiny' : values.quick ? 'quick' : 'full'
  const rounds = wholeRounds(values.rounds, scale)
  if (scale !== 'full' && values.images === undefined) {
    throw new Error(
      'The plots in docs/images come from full runs: with --quick, choose another folder with --images FOLDER.',
    )
  }
  const chosen = choose(axes, values.only?.split(','), '--only')
  const folder = tempFolder('bench')
  try {
    const bench: Bench = { scale, programs: compile(folder), sides: [], pick: (of) => of[scale] }
    process.stdout.write(`${describe(machine())}; ${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`}.\n`)
    for (const axis of chosen) await measureAxis(bench, axis, rounds, resolve(values.images ?? IMAGES))
  } finally {
    removeFolder(folder)
  }
}

async function measureAxis(bench: Bench, axis: Axis, rounds: number, images: string): Promise<void> {
  const sizes = axis.sizes(bench)
  const found: Array<readonly Readings[]> = []
  for (let round = 1; round <= rounds; round++) {
    found.push(await axis.measure(bench, sizes, (text) => process.stderr.write(`${round}/${rounds} ${text}\n`)))
  }
  const readings = medians(found)
  process.stdout.write(`\n### ${axis.title}\n\n${axis.sentence}\n\n${tableOf(axis, sizes, readings)}\n`)
  mkdirSync(images, { recursive: true })
  writeFileSync(join(images, `growth-${axis.name}.svg`), plotOf(axis, sizes, readings))
}

function plotOf(
  { title, sentence, unit, panels }: Axis,
  sizes: readonly number[],
  readings: readonly Readings[],
): string {
  return renderPlot({
    title,
    description: `${sentence} Both axes are logarithmic.`,
    axis: unit,
    panels: panels.map((panel) => ({
      title: panel.title,
      series: panel.curves.map((curve) => ({
        title: curve.title,
        points: sizes.flatMap((size, at) => {
          const y = readings[at]?.[curve.reading]
          return y !== undefined && y > 0 ? [[size, y] as const] : []
        }),
      })),
    })),
  })
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
