/** The report for CI servers: JUnit XML, a test suite for each scenario and a test case for each expectation. */
import type { Result, SuiteResult } from './result.ts'
import { commandPhrase, isFailure, type Run } from './run.ts'
import { contextText, failureText, summaryOf } from './text-report.ts'

type Attributes = Readonly<Record<string, string | number | undefined>>

/** `suites` may be empty if the run ended before there were any. */
export function junitReport(suites: readonly SuiteResult[], run: Run): string {
  const error = errorOf(run)
  const given: readonly SuiteXml[] = suites.length > 0 ? suites.map((suite) => suiteXml(suite, run)) : [NO_SUITE]
  const elements = given.map(({ name, file, cases, failures }) => {
    const all = error === undefined ? cases : [...cases, errorXml(name, file, error, run)]
    const counts = { tests: all.length, failures, errors: error === undefined ? 0 : 1, skipped: 0 }
    const attributes = { name, file, ...counts, time: seconds(run.durationMs), timestamp: run.startedAt.toISOString() }
    return element('testsuite', attributes, `\n${all.join('')}`)
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', {}, `\n${elements.join('')}`)}`
}

interface SuiteXml {
  readonly name: string
  readonly file: string | undefined
  readonly cases: readonly string[]
  readonly failures: number
}

const NO_SUITE: SuiteXml = { name: 'boardcast expect', file: undefined, cases: [], failures: 0 }

function suiteXml(suite: SuiteResult, run: Run): SuiteXml {
  const { scenario, results } = suite
  const names = uniqueNames(results.map(({ name }) => possible(name)))
  const cases = results.map((result, at) => caseXml(result, names[at] ?? result.name, suite, run))
  return { name: scenario.name, file: scenario.file, cases, failures: results.filter(({ isMet }) => !isMet).length }
}

function caseXml(result: Result, name: string, suite: SuiteResult, run: Run): string {
  const { place, isMet, metAt } = result
  const attributes = {
    ...{ classname: suite.scenario.name, name, file: place?.file, line: place?.line },
    time: seconds(metAt ?? run.durationMs),
  }
  if (isMet) return element('testcase', attributes)
  const report = `${failureText(result)}\n${contextText(suite, run)}`
  const failure = element('failure', { message: summaryOf(result), type: 'expectation' }, escaped(report))
  return element('testcase', attributes, `\n${failure}`)
}

/** What stopped the run, as a test case of its own: others are met or not, whatever stopped it. */
function errorXml(classname: string, file: string | undefined, error: string, run: Run): string {
  const name = run.stopped === undefined ? 'the command succeeds' : 'the run is complete'
  const content = element('error', { message: error, type: 'run' }, escaped(error))
  return element('testcase', { classname, name, file, time: seconds(run.durationMs) }, `\n${content}`)
}

function errorOf({ stopped, command }: Run): string | undefined {
  if (stopped !== undefined) return stopped
  return command && isFailure(command) ? `${commandPhrase(command)}: ${command.text}` : undefined
}

/** Repeated names get a number: readers take the last of equal ones for all. */
function uniqueNames(names: readonly string[]): string[] {
  const used = new Set<string>()
  return names.map((name) => {
    let unique = name
    for (let number = 2; used.has(unique); number += 1) unique = `${name} (${number})`
    used.add(unique)
    return unique
  })
}

function element(name: string, attributes: Attributes, content?: string): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
    .join('')
  return content === undefined ? `<${name}${written}/>\n` : `<${name}${written}>${content}</${name}>\n`
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' },
  ...{ '\n': '&#10;', '\r': '&#13;', '\t': '&#9;' },
}

/** No escape can bring these characters into XML 1.0. */
const IMPOSSIBLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu

function escaped(text: string): string {
  return possible(text).replace(/[&<>"\n\r\t]/g, (char) => ENTITIES[char] ?? char)
}

function possible(text: string): string {
  return text.replace(IMPOSSIBLE, '\ufffd')
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3)
}
