/** What GitHub Actions shows: annotations at the lines of a scenario, and a table in the summary of the step. */
import type { Result, SuiteResult } from './result.ts'
import { commandPhrase, isFailure, type Run } from './run.ts'
import { failureText, headline, summaryOf } from './text-report.ts'

/** One line for each failure, each with a newline. */
export function annotations(suites: readonly SuiteResult[], run: Run): string {
  const failures = suites.flatMap(({ results }) => results.filter(({ isMet }) => !isMet).map(annotation))
  const stopped = run.stopped ?? (run.command && isFailure(run.command) ? commandPhrase(run.command) : undefined)
  const errors = stopped === undefined ? failures : [...failures, command({ title: 'boardcast expect' }, stopped)]
  return errors.map((line) => `${line}\n`).join('')
}

function annotation(result: Result): string {
  const { place, name } = result
  return command({ ...(place && { file: place.file, line: String(place.line) }), title: name }, failureText(result))
}

function command(properties: Readonly<Record<string, string>>, message: string): string {
  const written = Object.entries(properties).map(([key, value]) => `${key}=${escapedProperty(value)}`)
  return `::error ${written.join(',')}::${escapedMessage(message)}`
}

function escapedMessage(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapedProperty(text: string): string {
  return escapedMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

/** Markdown, to be appended to the step's summary. */
export function stepSummary(suites: readonly SuiteResult[], run: Run): string {
  return suites.map((suite) => summaryTable(suite, run)).join('\n')
}

function summaryTable(suite: SuiteResult, run: Run): string {
  const { results, scenario } = suite
  const failed = results.filter(({ isMet }) => !isMet).length
  const rows = results.map((result) => {
    const place = result.place ? `${result.place.file}:${result.place.line}` : ''
    return `| ${[result.isMet ? '✓' : '✗', result.name, place, summaryOf(result)].map(cell).join(' | ')} |`
  })
  const heading = `### ${cell(scenario.name)}\n\n${cell(headline(suite, failed, run))}\n`
  return `${[heading, '| | expectation | at | events |', '| --- | --- | --- | --- |', ...rows].join('\n')}\n`
}

function cell(text: string): string {
  return text.replace(/[\\|`*_<>[\]&#~]/g, '\\$&').replace(/\s+/g, ' ')
}
