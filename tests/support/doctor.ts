/** The doctor's findings on a road, without the command around it. */
import { examine } from '../../src/cli/doctor/examination.ts'
import type { Finding, ProbeName } from '../../src/cli/doctor/findings/finding.ts'
import { Bench } from '../../src/cli/doctor/probes/bench.ts'
import { Road } from '../../src/cli/doctor/road/road.ts'
import { bearer } from './tokens.ts'

export type Findings = Readonly<Partial<Record<ProbeName, Finding>>>

/** `signal` ends it before its time. */
export async function examined(
  url: string,
  token?: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<Findings> {
  const road = new Road(url, {
    credentials: (): Record<string, string> => (token === undefined ? {} : bearer(token)),
    signal,
  })
  const findings: Partial<Record<ProbeName, Finding>> = {}
  const found = (probe: ProbeName, finding: Finding) => {
    findings[probe] = finding
  }
  try {
    await examine(new Bench(road, false), { begun: () => {}, found, missing: () => {} }, signal)
  } finally {
    road.close()
  }
  return findings
}

/** The probes with this verdict. */
export function named(findings: Findings, verdict: Finding['verdict']): string[] {
  return Object.entries(findings).flatMap(([probe, finding]) => (finding.verdict === verdict ? probe : []))
}

/** Some at a time, because what is measured is measured in this process. */
export async function inTurn<T, R>(
  atOnce: number,
  items: readonly T[],
  work: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const waiting = items.entries()
  const worker = async () => {
    for (const [at, item] of waiting) results[at] = await work(item, at)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}
