/** A log, a run, and suites that were judged on a log. */

import type { Envelope } from '../../../src/expect/conditions/envelope.ts'
import { Judge } from '../../../src/expect/judge/judge.ts'
import { type SuiteResult, suiteResult } from '../../../src/expect/report/result.ts'
import type { Run } from '../../../src/expect/report/run.ts'
import { readScenario } from '../../../src/expect/scenario/read-scenario.ts'

export function event(name: string, data: unknown, at = 1): Envelope {
  const second = String(at % 60).padStart(2, '0')
  return {
    channel: 'global',
    event: name,
    data,
    timestamp: Date.parse(`2026-11-30T12:00:${second}.000Z`),
    id: `7e1f00aa-${at}`,
  }
}

const LINES = Array.from({ length: 9 }, (_, at) => stored('attempt.log.appended', { message: `line ${at}` }, at + 8))

function stored(name: string, data: unknown, at: number): Envelope {
  return { ...event(name, data, at), id: `7e1f00aa-${at + 100}` }
}

/** An attempt that fails. */
export const STORY: readonly Envelope[] = [
  stored('card.created', { boardId: 'demo', card: { id: 'crd_1', title: 'Hello' } }, 5),
  stored('attempt.status.changed', { status: 'queued', exitCode: null }, 6),
  stored('attempt.status.changed', { status: 'running', exitCode: null }, 7),
  ...LINES,
  stored('attempt.status.changed', { status: 'stopped', exitCode: 2 }, 18),
]

export function judgedSuite(text: string, log: readonly Envelope[]): SuiteResult {
  const scenario = readScenario(text, 's.yaml', {})
  const judge = new Judge(scenario)
  for (const [at, one] of log.entries()) judge.add(one, (at + 1) * 1_000)
  return suiteResult(scenario, judge)
}

export function runOf(changes: Partial<Run> = {}): Run {
  return {
    startedAt: new Date('2026-11-30T12:00:00.000Z'),
    durationMs: 30_000,
    cursor: { from: '7e1f00aa-104', to: '7e1f00aa-118' },
    command: { text: './work', exitCode: 0, signal: null, isOverdue: false },
    exitCode: 1,
    tailOptions: [],
    ...changes,
  }
}
