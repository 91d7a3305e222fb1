/** The report for people, on terminals and in logs. */

import type { Examined } from '../conditions/condition.ts'
import type { Envelope } from '../conditions/envelope.ts'
import { isoTime } from '../conditions/iso-time.ts'
import { receivedText } from './closest.ts'
import type { Closest, Result, SuiteResult } from './result.ts'
import { commandPhrase, isFailure, type Run } from './run.ts'

const LAST_EVENTS = 10

/** Ends with a newline. `isAlone`: there is no other suite to tell it from. */
export function textReport(suite: SuiteResult, run: Run, isAlone = true): string {
  const failed = suite.results.filter(({ isMet }) => !isMet)
  const name = isAlone ? '' : `${suite.scenario.name}: `
  const heading = plain(`${name}${headline(suite, failed.length, run)}`)
  if (isFine(suite, run)) return `${heading}\n`
  return `${[heading, ...failed.flatMap(failureLines).map(indented), ...contextLines(suite, run).map(indented)].join('\n')}\n`
}

/** For a suite that is met although it must not be: with the events that serve each expectation. */
export function metText(suite: SuiteResult, run: Run): string {
  const served = suite.results.map((result) => {
    const events = result.matched.slice(0, LAST_EVENTS).map((one) => `${stamp(one)} on ${one.channel}`)
    const more = result.matched.length - events.length
    return plain(`${result.name}  ${events.join(', ') || 'none'}${more > 0 ? `, and ${more} more` : ''}`)
  })
  const heading = `${headline(suite, 0, run)}, but should not be`
  return [heading, ...[...served, ...contextLines(suite, run)].map(indented)].join('\n')
}

/** Whether nothing about the suite is worth more than one line. */
export function isFine({ isMet }: SuiteResult, { stopped, command }: Run): boolean {
  return isMet && stopped === undefined && !(command && isFailure(command))
}

/** What is wrong with one expectation, for reports that show each by itself. */
export function failureText(result: Result): string {
  return failureLines(result).join('\n')
}

/** The counts, the last events and how to see them again. */
export function contextText(suite: SuiteResult, run: Run): string {
  return contextLines(suite, run).join('\n')
}

export function headline({ isMet, results }: SuiteResult, failed: number, run: Run): string {
  const time = `after ${(run.durationMs / 1_000).toFixed(1)} s`
  const all = `${results.length} expectation${results.length === 1 ? '' : 's'}`
  const command = run.command ? `; ${commandPhrase(run.command)}` : ''
  const stopped = run.stopped === undefined ? '' : `STOPPED, ${run.stopped}: `
  return `${stopped}${isMet ? 'MET' : 'NOT MET'} ${time}: ${isMet ? all : `${failed} of ${all}`}${command}`
}

/** Such as `7e1f00aa-118 12:03:07.412`. */
export function stamp(envelope: Envelope): string {
  return `${envelope.id} ${isoTime(envelope).slice(11, 23)}`
}

export function summaryOf(result: Result): string {
  const { type, asked, came, isNameGiven, name } = result
  const wanted = isNameGiven || name !== type ? `${type}, ${asked}` : asked
  return `${wanted}; ${came}`
}

function failureLines(result: Result): string[] {
  const { name, place, closest } = result
  const where = place ? ` (${place.file}:${place.line})` : ''
  const heading = `${name}${where}  ${summaryOf(result)}`
  return [heading, ...(closest ? closestLines(closest, result) : askedLines(result)).map(indented)].map(plain)
}

function closestLines({ envelope, isSurplus, conditions, note }: Closest, { matched }: Result): string[] {
  const event = `${stamp(envelope)} on ${envelope.channel}`
  const others = isSurplus && matched.length > 1 ? `, one of ${matched.length}` : ''
  const width = Math.max(0, ...conditions.map(({ path }) => path.length))
  return [
    isSurplus ? `unwanted  ${event}: ${envelope.event}${others}` : `closest  ${event}`,
    ...conditions.flatMap((condition) => conditionLines(condition, width)).map(indented),
    ...(note === undefined ? [] : [`  but ${note}`]),
  ]
}

function conditionLines(condition: Examined, width: number): string[] {
  const { path, phrase, met } = condition
  const label = path.padEnd(width)
  if (met) return [`✓ ${label}  ${phrase}`]
  return [`✗ ${label}  - expected ${phrase}`, `  ${' '.repeat(width)}  + received ${receivedText(condition)}`]
}

function askedLines({ conditions }: Result): string[] {
  const width = Math.max(0, ...conditions.map(({ path }) => path.length))
  return conditions.map(({ path, phrase }) => `  · ${path.padEnd(width)}  ${phrase}`)
}

function contextLines({ log, tailOptions }: SuiteResult, { cursor, tailOptions: ofRun }: Run): string[] {
  // The run ended before the stream had begun.
  if (cursor.from === '') return []
  const counts = [...countsByType(log)].map(([type, count]) => `${type} ${count}`).join(', ')
  const events = log.length === 0 ? 'no event' : `${log.length} event${log.length === 1 ? '' : 's'}`
  const last = log.slice(-LAST_EVENTS).map((one) => `${stamp(one)} ${one.event} on ${one.channel}`)
  const again = ['boardcast tail', ...(tailOptions ?? ofRun), `--since ${cursor.from} --no-follow`].join(' ')
  return [
    `seen  ${events} after ${cursor.from}${counts === '' ? '' : `: ${counts}`}`,
    ...last.map((line, at) => `${at === 0 ? 'last' : '    '}  ${line}`),
    `again ${again}`,
  ].map(plain)
}

/** In the order in which they came first. */
export function countsByType(log: readonly Envelope[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { event } of log) counts.set(event, (counts.get(event) ?? 0) + 1)
  return counts
}

function indented(line: string): string {
  return `  ${line}`
}

/** On one line and without control characters: names and values come from a server, and a terminal would obey them. */
function plain(line: string): string {
  return line.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
