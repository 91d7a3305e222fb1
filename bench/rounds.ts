/**
 * Runs the sides in turn, A B C A B C A B C: a machine drifts within minutes, and runs that follow each other find it in the
 * same state.
 */
import type { Bench, Load, Readings } from './load.ts'
import { median } from './median.ts'

export interface Summary {
  readonly median: number
  readonly least: number
  readonly most: number
}

export interface CaseResult {
  readonly side: string
  readonly variant: string
  readonly rounds: readonly Readings[]
  /** Why there are no figures. */
  readonly failure?: string
}

export interface LoadResult {
  readonly load: Load
  readonly cases: readonly CaseResult[]
}

/** Measures every case of a load that many times. A case that fails is not repeated; the others continue. */
export async function runLoad(
  bench: Bench,
  load: Load,
  options: { readonly rounds: number; progress(text: string): void },
): Promise<LoadResult> {
  const cases = load.cases(bench)
  const rounds = cases.map((): Readings[] => [])
  const failures = new Map<number, string>()
  for (let round = 1; round <= options.rounds; round++) {
    for (const [at, { side, variant, measure }] of cases.entries()) {
      if (failures.has(at)) continue
      options.progress(`${load.name} ${round}/${options.rounds}: ${side}${variant && `, ${variant}`}`)
      try {
        rounds[at]?.push(await measure())
      } catch (error) {
        // The first line names the error; the answer of a server may be long.
        const why = (error instanceof Error ? error.message : String(error)).split(/\s*\n/, 2).join(' ').slice(0, 200)
        failures.set(at, why)
        options.progress(`${load.name}: ${side} failed: ${why}`)
      }
    }
  }
  return {
    load,
    cases: cases.map(({ side, variant }, at) => {
      const failure = failures.get(at)
      return { side, variant, rounds: rounds[at] ?? [], ...(failure !== undefined && { failure }) }
    }),
  }
}

/** Summarizes one figure of a case; undefined when it was not measured. */
export function summarize({ rounds, failure }: CaseResult, figure: string): Summary | undefined {
  const values = rounds.map((readings) => readings[figure] ?? Number.NaN).filter((value) => !Number.isNaN(value))
  if (failure !== undefined || values.length === 0) return undefined
  return { median: median(values) ?? 0, least: Math.min(...values), most: Math.max(...values) }
}

/** For budgets: the median of a figure, by side and variant. */
export function medianOf(result: LoadResult) {
  return (side: string, variant: string, figure: string): number | undefined => {
    const found = result.cases.find((one) => one.side === side && one.variant === variant)
    return found && summarize(found, figure)?.median
  }
}
