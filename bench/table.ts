/** The results as Markdown: a table of all loads and sides, one of budgets, and the figures of each load. */
import type { Figure } from './load.ts'
import { type CaseResult, type LoadResult, medianOf, summarize } from './rounds.ts'
import type { Side } from './side.ts'

/** The side to compare with: Boardcast on the same transport. */
function counterpart({ kind }: Side, load: LoadResult): string {
  return kind !== 'sse' && load.load.name.startsWith('ws-') ? 'boardcast-ws' : 'boardcast'
}

/** Rows are loads, columns are sides. Each cell has the median of the load's first figure and its ratio to Boardcast. */
export function overview(results: readonly LoadResult[], sides: readonly Side[]): string {
  const columns = sides.filter(({ name }) => results.some(({ cases }) => cases.some(({ side }) => side === name)))
  const rows = results.flatMap((result) => {
    const figure = result.load.figures[0]
    if (!figure) return []
    return variantsOf(result).map((variant) => [
      [result.load.title, variant].filter(Boolean).join(': '),
      ...columns.map((side) => cell(result, side, variant, figure)),
    ])
  })
  return table(['load', ...columns.map(({ title }) => title)], rows)
}

/** Every promise, and whether it is kept. */
export function budgets(results: readonly LoadResult[]): string {
  const rows = results.flatMap((result) =>
    result.load.budgets.flatMap((budget) => {
      const verdict = budget.judge(medianOf(result))
      if (!verdict) return [[result.load.title, budget.promise, 'not measured', '']]
      return [[result.load.title, budget.promise, verdict.measured, verdict.kept ? 'kept' : '**missed**']]
    }),
  )
  return table(['load', 'budget', 'measured', ''], rows)
}

/** All figures of a load: the median and the range of the rounds. */
export function details(result: LoadResult, sides: readonly Side[]): string {
  const { load, cases } = result
  const title = (name: string) => sides.find((side) => side.name === name)?.title ?? name
  const rows = cases.map((one) => [
    [title(one.side), one.variant].filter(Boolean).join(', '),
    ...load.figures.map((figure, at) =>
      at === 0 && one.failure !== undefined ? `failed: ${one.failure}` : range(one, figure),
    ),
  ])
  const heads = load.figures.map((figure) => (figure.unit ? `${figure.title} (${figure.unit})` : figure.title))
  return `### ${load.title}\n\n${load.sentence}\n\n${table(['side', ...heads], rows)}`
}

function variantsOf({ cases }: LoadResult): readonly string[] {
  return [...new Set(cases.map(({ variant }) => variant))]
}

function cell(result: LoadResult, side: Side, variant: string, figure: Figure): string {
  const found = result.cases.find((one) => one.side === side.name && one.variant === variant)
  if (!found) return ''
  const summary = summarize(found, figure.name)
  if (!summary) return 'failed'
  const text = withUnit(summary.median, figure)
  const other = counterpart(side, result)
  const base = other === side.name ? undefined : medianOf(result)(other, variant, figure.name)
  return base ? `${text} (${times(summary.median / base)})` : text
}

function range(one: CaseResult, figure: Figure): string {
  const summary = summarize(one, figure.name)
  if (!summary) return ''
  const { median, least, most } = summary
  return one.rounds.length > 1 ? `${number(median)} (${number(least)} to ${number(most)})` : number(median)
}

function withUnit(value: number, { unit }: Figure): string {
  return unit === '/s' ? `${number(value)}/s` : `${number(value)} ${unit}`.trim()
}

/** `3.1 ×`, or `1/40` for small ratios. */
function times(ratio: number): string {
  return ratio > 0 && ratio < 0.1 ? `1/${number(1 / ratio)}` : `${number(Number(ratio.toPrecision(2)))} ×`
}

/** Three digits: rounds differ in the fourth. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return ''
  const rounded = Number(value.toPrecision(3))
  return Math.abs(rounded) >= 1000 ? Math.round(rounded).toLocaleString('en') : String(rounded)
}

export function table(heads: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = heads.map((head, at) => Math.max(head.length, 3, ...rows.map((row) => (row[at] ?? '').length)))
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width)).join(' | ')} |`
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
