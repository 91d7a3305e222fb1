// Reports for programs: JSON, JUnit XML, and what GitHub Actions shows.

import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { expect, test } from 'vitest'
import { annotations, stepSummary } from '../../../src/expect/report/github.ts'
import { jsonReport } from '../../../src/expect/report/json-report.ts'
import { junitReport } from '../../../src/expect/report/junit-report.ts'
import type { SuiteResult } from '../../../src/expect/report/result.ts'
import { judgedSuite, runOf, STORY } from './report-scene.ts'

const TEXT = `name: An agent works
expect:
  - { name: the card is made, type: card.created }
  - { name: it ends well, type: attempt.status.changed, where: { status: { oneOf: [succeeded, stopped] }, exitCode: { lte: 0 } } }
never:
  - { type: run.failed }
`
const suite = judgedSuite(TEXT, STORY)

test('[CMD32a] JSON: one object with every expectation', () => {
  expect(JSON.parse(JSON.stringify(jsonReport([suite], runOf({ durationMs: 1_234.5 }))))).toEqual({
    ok: false,
    exitCode: 1,
    durationMs: 1_235,
    cursor: { from: '7e1f00aa-104', to: '7e1f00aa-118' },
    cmd: { command: './work', exitCode: 0, signal: null },
    expectations: [
      {
        ...{ name: 'the card is made', type: 'card.created', file: 's.yaml', line: 3 },
        ...{ met: true, count: 1, matched: ['7e1f00aa-105'] },
      },
      {
        ...{ name: 'it ends well', type: 'attempt.status.changed', file: 's.yaml', line: 4 },
        ...{ met: false, count: 0, matched: [] },
        closest: {
          id: '7e1f00aa-118',
          event: 'attempt.status.changed',
          conditions: [
            { path: 'status', op: 'oneOf', expected: ['succeeded', 'stopped'], received: 'stopped', met: true },
            { path: 'exitCode', op: 'lte', expected: 0, received: 2, met: false },
          ],
        },
      },
      { name: 'no run.failed', type: 'run.failed', file: 's.yaml', line: 6, met: true, count: 0, matched: [] },
    ],
    seen: { 'card.created': 1, 'attempt.status.changed': 3, 'attempt.log.appended': 9 },
  })
})

test('[CMD32a] several suites share one list, and a run without a command has none', () => {
  const { command: _, ...run } = runOf({ exitCode: 7, stopped: 'gap' })
  const report = jsonReport([suite, suite], run)
  expect(report.expectations).toHaveLength(6)
  expect(report).toMatchObject({ cmd: null, stopped: 'gap', ok: false })
})

interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[]
  text: string
}

/** Throws for XML that is not well-formed. */
function parsed(xml: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  const parser = new SaxesParser()
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes: attributes as Record<string, string>, children: [], text: '' }
    open.at(-1)!.children.push(element)
    open.push(element)
  })
  parser.on('text', (text) => {
    open.at(-1)!.text += text
  })
  parser.on('closetag', () => void open.pop())
  parser.write(xml).close()
  return root.children[0]!
}

test('[CMD33a] JUnit: a suite for each scenario, a case for each expectation, the report in the failure', () => {
  const root = parsed(junitReport([suite, judgedSuite('never: [{type: x}]', STORY)], runOf()))
  expect(root.name).toBe('testsuites')
  expect(root.children.map(({ name, attributes }) => [name, attributes])).toEqual([
    [
      'testsuite',
      {
        ...{ name: 'An agent works', file: 's.yaml', tests: '3', failures: '1', errors: '0', skipped: '0' },
        ...{ time: '30.000', timestamp: '2026-11-30T12:00:00.000Z' },
      },
    ],
    ['testsuite', expect.objectContaining({ name: 's.yaml', tests: '1', failures: '0' })],
  ])
  const cases = root.children[0]!.children
  const common = { classname: 'An agent works', file: 's.yaml' }
  expect(cases.map(({ attributes }) => attributes)).toEqual([
    { ...common, name: 'the card is made', line: '3', time: '1.000' },
    { ...common, name: 'it ends well', line: '4', time: '30.000' },
    { ...common, name: 'no run.failed', line: '6', time: '30.000' },
  ])
  expect(cases.map(({ children }) => children.map(({ name }) => name))).toEqual([[], ['failure'], []])
  const [failure] = cases[1]!.children
  expect(failure!.attributes.message).toBe('attempt.status.changed, 1 or more; 3 of that type came')
  for (const part of ['✗ exitCode  - expected <= 0', '+ received 2', 'again boardcast tail --since 7e1f00aa-104']) {
    expect(failure!.text).toContain(part)
  }
})

test('[CMD33b] JUnit: what stopped the run is an error, in every suite, and even without one', () => {
  const errorsIn = (xml: string) =>
    parsed(xml).children.map(({ attributes, children }) => [
      attributes.errors,
      attributes.tests,
      children.flatMap((each) => each.children.filter(({ name }) => name === 'error').map(({ text }) => text)),
    ])
  const failed = { text: './work', exitCode: 3, signal: null, isOverdue: false }
  expect(errorsIn(junitReport([suite, suite], runOf({ stopped: 'the stream was lost' })))).toEqual([
    ['1', '4', ['the stream was lost']],
    ['1', '4', ['the stream was lost']],
  ])
  expect(errorsIn(junitReport([suite], runOf({ command: failed })))).toEqual([['1', '4', ['CMD exited 3: ./work']]])
  expect(errorsIn(junitReport([], runOf({ stopped: 's.yaml:1:1: wrong' })))).toEqual([
    ['1', '1', ['s.yaml:1:1: wrong']],
  ])
  expect(errorsIn(junitReport([suite], runOf({ command: { ...failed, isOverdue: true } })))).toEqual([['0', '3', []]])
})

test('[CMD33c] JUnit is well-formed and keeps its texts, whatever they are; names are unique in a suite', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      ']]>',
      '<a b="c">',
      '&amp;',
      '\u0000',
      '\u001b[0m',
      '\ud800',
      '\ufffe',
      '\r\n',
      '\t',
      '"',
      "'",
      '--',
    ),
  )
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.nat(2), (parts, copies) => {
      const text = parts.join('')
      const named: SuiteResult = {
        ...suite,
        scenario: { ...suite.scenario, name: text },
        results: suite.results.flatMap((result) =>
          Array.from({ length: copies + 1 }, () => ({ ...result, name: text })),
        ),
      }
      const [element] = parsed(junitReport([named], runOf({ stopped: text }))).children
      const possible = text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
      expect(element!.attributes.name).toBe(possible)
      expect(element!.children.at(-1)!.children[0]!.text).toBe(possible)
      const names = element!.children.map(({ attributes }) => attributes.name)
      expect(new Set(names).size).toBe(names.length)
      expect(names[0]).toBe(possible)
    }),
    { numRuns: 200 },
  )
})

test('[CMD33d] GitHub: one line for each failure, at its place', () => {
  const lines = annotations([suite], runOf()).split('\n')
  expect(lines).toHaveLength(2)
  expect(lines[0]).toMatch(/^::error file=s\.yaml,line=4,title=it ends well::it ends well \(s\.yaml:4\) {2}attempt/)
  expect(lines[0]).toContain('%0A    ✗ exitCode  - expected <= 0')
  expect(annotations([judgedSuite('expect: [{type: card.created}]', STORY)], runOf())).toBe('')
  expect(annotations([], runOf({ stopped: 'a\nb 5 %' }))).toBe('::error title=boardcast expect::a%0Ab 5 %25\n')
})

test('[CMD33d] GitHub: names cannot end a property or a line', () => {
  const odd = judgedSuite('expect: [{name: "a: b, c%\\n::x", type: z}]', [])
  const [line, ...others] = annotations([odd], runOf()).split('\n')
  expect(line).toMatch(/^::error file=s\.yaml,line=1,title=a%3A b%2C c%25%0A%3A%3Ax::/)
  expect(others).toEqual([''])
})

test('[CMD33e] GitHub: a table for the summary of the step', () => {
  expect(stepSummary([suite], runOf())).toBe(`### An agent works

NOT MET after 30.0 s: 1 of 3 expectations; CMD exited 0

| | expectation | at | events |
| --- | --- | --- | --- |
| ✓ | the card is made | s.yaml:3 | card.created, 1 or more; 1 of that type came |
| ✗ | it ends well | s.yaml:4 | attempt.status.changed, 1 or more; 3 of that type came |
| ✓ | no run.failed | s.yaml:6 | run.failed, none; none of that type came |
`)
  const odd = judgedSuite('expect: [{name: "a | b\\n<i>`x`", type: "*"}]', STORY)
  expect(stepSummary([odd], runOf())).toContain('| ✓ | a \\| b \\<i\\>\\`x\\` | s.yaml:1 | \\*, 1 or more;')
})
