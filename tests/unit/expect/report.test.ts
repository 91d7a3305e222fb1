// The report for people: what was wrong is understood at once.

import { expect, test } from 'vitest'
import { textReport } from '../../../src/expect/report/text-report.ts'
import { event, judgedSuite, runOf, STORY } from './report-scene.ts'

function report(text: string, log = STORY, run = runOf()): string {
  return textReport(judgedSuite(text, log), run)
}

const AGAIN = '  again boardcast tail --since 7e1f00aa-104 --no-follow\n'

test('[CMD31b] the report shows the closest event with each condition, what was seen, and how to see it again', () => {
  const text = `
expect:
  - { type: card.created }
  - { type: attempt.log.appended, count: 2+ }
  - name: it ends well
    type: attempt.status.changed
    where: { status: { oneOf: [succeeded, stopped] }, exitCode: { lte: 0 } }
`
  expect(report(text)).toBe(`NOT MET after 30.0 s: 1 of 3 expectations; CMD exited 0
  it ends well (s.yaml:5)  attempt.status.changed, 1 or more; 3 of that type came
    closest  7e1f00aa-118 12:00:18.000 on global
      ✓ status    one of ["succeeded","stopped"]
      ✗ exitCode  - expected <= 0
                  + received 2
  seen  13 events after 7e1f00aa-104: card.created 1, attempt.status.changed 3, attempt.log.appended 9
  last  7e1f00aa-108 12:00:08.000 attempt.log.appended on global
        7e1f00aa-109 12:00:09.000 attempt.log.appended on global
        7e1f00aa-110 12:00:10.000 attempt.log.appended on global
        7e1f00aa-111 12:00:11.000 attempt.log.appended on global
        7e1f00aa-112 12:00:12.000 attempt.log.appended on global
        7e1f00aa-113 12:00:13.000 attempt.log.appended on global
        7e1f00aa-114 12:00:14.000 attempt.log.appended on global
        7e1f00aa-115 12:00:15.000 attempt.log.appended on global
        7e1f00aa-116 12:00:16.000 attempt.log.appended on global
        7e1f00aa-118 12:00:18.000 attempt.status.changed on global
${AGAIN}`)
})

/** The lines about expectations, without what was seen. */
function failures(text: string, log = STORY): string {
  const lines = report(text, log).split('\n')
  return lines
    .slice(
      1,
      lines.findIndex((line) => line.startsWith('  seen')),
    )
    .join('\n')
}

const A = (x: number) => event('a', { x })
const B = event('b', { y: 'text' })

test.each([
  [
    'an event of another type',
    'expect: [{ type: card.moved, where: { boardId: demo } }]',
    [event('card.updated', { boardId: 'demo' }), event('run.failed', { boardId: 'demo' })],
    `  card.moved where boardId = "demo" (s.yaml:1)  card.moved, 1 or more; none of that type came
    closest  7e1f00aa-1 12:00:01.000 on global
      ✗ @event   - expected card.moved
                 + received "card.updated"
      ✓ boardId  "demo"`,
  ],
  [
    'no event at all',
    'expect: [{ type: card.moved, where: { boardId: demo, n: { gt: 1 } } }]',
    [],
    `  card.moved where boardId = "demo", n > 1 (s.yaml:1)  card.moved, 1 or more; none of that type came
      · boardId  "demo"
      · n        > 1`,
  ],
  [
    'a value of another kind',
    'expect: [{ type: a, where: { x: "5" } }]',
    [A(5)],
    `  a where x = "5" (s.yaml:1)  a, 1 or more; 1 of that type came
    closest  7e1f00aa-1 12:00:01.000 on global
      ✗ x  - expected "5"
           + received 5`,
  ],
  [
    'a path that leads nowhere',
    'expect: [{ type: a, where: { z.x: 5 } }]',
    [A(5)],
    `  a where z.x = 5 (s.yaml:1)  a, 1 or more; 1 of that type came
    closest  7e1f00aa-1 12:00:01.000 on global
      ✗ z.x  - expected 5
             + received nothing`,
  ],
  ['too few', 'expect: [{ type: a, count: 3+ }]', [A(1), A(2)], '  a (s.yaml:1)  3 or more; 2 of that type came'],
  [
    'too many',
    'expect: [{ type: a, count: 1 }]',
    [A(1), A(2), A(3)],
    `  a (s.yaml:1)  exactly 1; 3 of that type came
    unwanted  7e1f00aa-2 12:00:02.000 on global: a, one of 3`,
  ],
  [
    'an event that must not come',
    'never: [{ name: no failure, type: "*", where: { x: 2 } }]',
    [A(1), A(2)],
    `  no failure (s.yaml:1)  *, none; 2 of that type came, 1 that fit
    unwanted  7e1f00aa-2 12:00:02.000 on global: a
      ✓ x  2`,
  ],
  [
    'the wrong order',
    'expect: [{ type: b }, { type: a }]',
    [A(1), B],
    `  a (s.yaml:1)  1 or more; 1 of that type came
    closest  7e1f00aa-1 12:00:01.000 on global
      but it came too early: "b" comes first, and was met by 7e1f00aa-2`,
  ],
  [
    'one event for two expectations',
    'order: any\nexpect: [{ name: one, type: a }, { name: two, type: a }]',
    [A(1)],
    `  two (s.yaml:2)  a, 1 or more; 1 of that type came
    closest  7e1f00aa-1 12:00:01.000 on global
      but it serves "one", and each event serves one expectation`,
  ],
  [
    'something else in between',
    'order: exact\nexpect: [{ type: a, where: { x: 1 } }, { type: b }]',
    [A(1), A(7), B],
    `  nothing else  a,b, exactly these; 1 more came
    unwanted  7e1f00aa-2 12:00:02.000 on global: a
      ✗ x  - expected 1
           + received 7`,
  ],
  [
    'a value that was not saved',
    'expect: [{ type: c, save: { id: x } }, { type: a, where: { x: $id } }]',
    [A(1)],
    `  c (s.yaml:1)  1 or more; none of that type came
    closest  7e1f00aa-1 12:00:01.000 on global
      ✗ @event  - expected c
                + received "a"
  a where x = "$id" (s.yaml:1)  a, 1 or more; 1 of that type came
    closest  7e1f00aa-1 12:00:01.000 on global
      ✗ x  - expected "$id", and nothing was saved as $id
           + received 1`,
  ],
  [
    'a saved value',
    'expect: [{ type: a, save: { id: x } }, { type: b, where: { y: $id } }]',
    [A(1), B],
    `  b where y = "$id" (s.yaml:1)  b, 1 or more; 1 of that type came
    closest  7e1f00aa-2 12:00:02.000 on global
      ✗ y  - expected 1
           + received "text"`,
  ],
])('[CMD31c] %s is reported as what it is', (_, text, events, expected) => {
  const log = events.map((one, at) => ({
    ...one,
    id: `7e1f00aa-${at + 1}`,
    timestamp: Date.parse(`2026-11-30T12:00:0${at + 1}.000Z`),
  }))
  expect(failures(text, log)).toBe(expected)
})

test('[CMD31d] the closest is one of the type, then of the family, then that with the most conditions met, then the newest', () => {
  const closest = (...names: string[]) => {
    const log = names.map((name, at) => event(name.replace(/!$/, ''), { a: 1, b: name.endsWith('!') ? 2 : 0 }, at + 1))
    const suite = judgedSuite('expect: [{ type: card.moved, where: { a: 1, b: 2, c: 3 } }]', log)
    return suite.results[0]?.closest?.envelope.id
  }
  expect(closest('run.failed!', 'card.updated', 'card.moved', 'card.updated!')).toBe('7e1f00aa-3')
  expect(closest('run.failed!', 'card.updated', 'run.failed!')).toBe('7e1f00aa-2')
  expect(closest('card.moved!', 'card.moved')).toBe('7e1f00aa-1')
  expect(closest('card.moved', 'card.moved')).toBe('7e1f00aa-2')
  expect(closest('card_created', 'run.failed')).toBe('7e1f00aa-1')
})

test('[CMD31b] what is met takes one line', () => {
  expect(report('expect: [{ type: card.created }]')).toBe('MET after 30.0 s: 1 expectation; CMD exited 0\n')
  const { command: _, ...withoutCommand } = runOf()
  expect(report('expect: [{ type: card.created }]', STORY, withoutCommand)).toBe('MET after 30.0 s: 1 expectation\n')
})

test('[CMD31b] a command that fails, one that does not end, and what stopped the run are in the first line', () => {
  const first = (run: Parameters<typeof runOf>[0]) => report('expect: [{ type: x }]', STORY, runOf(run)).split('\n')[0]
  const command = { text: './work', exitCode: null, signal: 'SIGKILL', isOverdue: false }
  expect(first({ exitCode: 8, command })).toBe('NOT MET after 30.0 s: 1 of 1 expectation; CMD was ended by SIGKILL')
  expect(first({ exitCode: 1, command: { ...command, isOverdue: true } })).toContain('; CMD was still running')
  expect(first({ exitCode: 7, stopped: 'gap (trimmed)' })).toBe(
    'STOPPED, gap (trimmed): NOT MET after 30.0 s: 1 of 1 expectation; CMD exited 0',
  )
  const met = report(
    'expect: [{ type: card.created }]',
    STORY,
    runOf({ exitCode: 8, command: { ...command, exitCode: 3, signal: null } }),
  )
  expect(met).toContain('MET after')
  expect(met).toContain(AGAIN)
})

test('[CMD31b] nothing that came from a server moves the cursor of a terminal', () => {
  const log = [event('a\u001b[2J', { x: '\u001b[31m\u0085' }, 1)]
  const written = report('expect: [{ type: "a*", where: { x: 1 } }]', log, runOf({ tailOptions: ['--board demo'] }))
  expect(written).toContain('a\\u001b[2J')
  expect(/[^\P{Cc}\n]/u.test(written)).toBe(false)
  expect(written).toContain('again boardcast tail --board demo --since 7e1f00aa-104 --no-follow')
})
