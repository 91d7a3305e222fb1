/** An axis: a quantity that grows, the sizes to measure at, and what is measured at each. */
import type { Bench, Readings } from '../load.ts'
import { median } from '../median.ts'
import { number, table } from '../table.ts'

export interface Curve {
  /** Name of a reading. */
  readonly reading: string
  readonly title: string
}

export interface Axis {
  readonly name: string
  readonly title: string
  readonly sentence: string
  /** The label of the quantity in the plot. */
  readonly unit: string
  sizes(bench: Bench): readonly number[]
  /** One round over all sizes, ascending. */
  measure(bench: Bench, sizes: readonly number[], progress: (text: string) => void): Promise<readonly Readings[]>
  readonly panels: ReadonlyArray<{ readonly title: string; readonly curves: readonly Curve[] }>
}

/** Medians over the rounds. A reading that is missing in any round stays missing. */
export function medians(rounds: ReadonlyArray<readonly Readings[]>): Readings[] {
  const [first = []] = rounds
  return first.map((readings, at) =>
    Object.fromEntries(
      Object.keys(readings).map((name) => {
        const values = rounds.map((round) => round[at]?.[name] ?? Number.NaN)
        return [name, values.some(Number.isNaN) ? Number.NaN : (median(values) ?? Number.NaN)]
      }),
    ),
  )
}

export function tableOf({ unit, panels }: Axis, sizes: readonly number[], readings: readonly Readings[]): string {
  const curves = panels.flatMap((panel) => panel.curves.map((curve) => ({ ...curve, panel: panel.title })))
  const heads = curves.map(({ title, panel }) => (title === '' ? panel : `${panel}: ${title}`))
  const rows = sizes.map((size, at) => [
    size.toLocaleString('en'),
    ...curves.map(({ reading }) => number(readings[at]?.[reading] ?? Number.NaN)),
  ])
  return table([unit, ...heads], rows)
}
