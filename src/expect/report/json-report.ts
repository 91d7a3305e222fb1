/** The report for programs: one object. */
import type { Examined } from '../conditions/condition.ts'
import type { Result, SuiteResult } from './result.ts'
import type { Run } from './run.ts'
import { countsByType } from './text-report.ts'

export interface JsonReport {
  readonly ok: boolean
  readonly exitCode: number
  readonly durationMs: number
  readonly cursor: Run['cursor']
  readonly cmd: { command: string; exitCode: number | null; signal: string | null } | null
  /** Why the run ended before its time. */
  readonly stopped?: string
  readonly expectations: readonly JsonExpectation[]
  readonly seen: Readonly<Record<string, number>>
}

export interface JsonExpectation {
  readonly name: string
  readonly type: string
  readonly file?: string
  readonly line?: number
  readonly met: boolean
  readonly count: number
  readonly matched: readonly string[]
  readonly closest?: {
    readonly id: string
    readonly event: string
    readonly conditions: ReadonlyArray<Omit<Examined, 'phrase'>>
  }
}

export function jsonReport(suites: readonly SuiteResult[], run: Run): JsonReport {
  const { exitCode, durationMs, cursor, command, stopped } = run
  return {
    ok: exitCode === 0,
    exitCode,
    durationMs: Math.round(durationMs),
    cursor,
    cmd: command ? { command: command.text, exitCode: command.exitCode, signal: command.signal } : null,
    ...(stopped !== undefined && { stopped }),
    expectations: suites.flatMap(({ results }) => results.map(jsonExpectation)),
    seen: seenBy(suites),
  }
}

/** Suites see the same events, some on other channels, and some for longer: the one that has seen the most counts. */
function seenBy(suites: readonly SuiteResult[]): Record<string, number> {
  const seen: Record<string, number> = {}
  for (const { log } of suites) {
    for (const [type, count] of countsByType(log)) seen[type] = Math.max(seen[type] ?? 0, count)
  }
  return seen
}

function jsonExpectation({ name, type, place, isMet, matched, closest }: Result): JsonExpectation {
  return {
    name,
    type,
    ...place,
    met: isMet,
    count: matched.length,
    matched: matched.map(({ id }) => id),
    ...(closest && {
      closest: {
        id: closest.envelope.id,
        event: closest.envelope.event,
        conditions: closest.conditions.map(({ phrase: _, ...condition }) => condition),
      },
    }),
  }
}
