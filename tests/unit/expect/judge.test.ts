// Which logs meet a scenario.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Envelope } from '../../../src/expect/conditions/envelope.ts'
import { parseCondition } from '../../../src/expect/conditions/parse-condition.ts'
import { Judge, type Verdict } from '../../../src/expect/judge/judge.ts'
import { parseCount } from '../../../src/expect/scenario/count.ts'
import { readScenario } from '../../../src/expect/scenario/read-scenario.ts'
import { expectation, type Order, type Scenario } from '../../../src/expect/scenario/scenario.ts'
import { fewestFaults, isMetByBruteForce } from './brute-force.ts'

/** `a`, `a2` (with x: 2), `a2,7` (with y: 7, too). */
function log(text: string): Envelope[] {
  return text.split(' ').flatMap((word, at) => {
    const [, type = '', x, y] = /^([a-z.]+)(\d+)?(?:,(\d+))?$/.exec(word) ?? []
    if (type === '') return []
    const data = { ...(x && { x: Number(x) }), ...(y && { y: Number(y) }) }
    return [
      {
        channel: 'global',
        event: type,
        data,
        timestamp: Date.parse('2026-11-30T12:00:00.000Z'),
        id: `7e1f00aa-${at + 1}`,
      },
    ]
  })
}

/** Steps such as `a`, `a[x=1]`, `a*{2+}`, `!b`. */
function scenario(steps: string, order: Order = 'subset', only: string[] = []): Scenario {
  const expectations = steps.split(' ').map((step) => {
    const [, isAbsent, type = '', condition, written] = /^(!?)([^[{]+)(?:\[(.*)\])?(?:\{(.*)\})?$/.exec(step) ?? []
    const count = isAbsent ? { min: 0, max: 0 } : parseCount(written ?? '1+')
    if (typeof count === 'string') throw new Error(`${step}: ${count}`)
    return expectation({ name: step, type, count, conditions: condition ? [parseCondition(condition)] : [] })
  })
  return { name: 'test', order, only, expectations }
}

test('[CMD31d] of the events that nothing asks for, the newest 1,000 keep their payload, and all are counted', () => {
  const judge = new Judge(scenario('a'))
  for (const event of log('a1')) judge.add(event)
  for (let n = 0; n < 5_000; n += 1) for (const event of log('b1')) judge.add(event)
  expect(judge.log).toHaveLength(5_001)
  expect(judge.log.filter(({ data }) => data !== null)).toHaveLength(1_001)
  expect([judge.log[0]?.data, judge.log[1]?.data, judge.log.at(-1)?.data]).toEqual([{ x: 1 }, null, { x: 1 }])
  expect(judge.log[1]).toMatchObject({ event: 'b', id: '7e1f00aa-1' })
})

function judged(given: Scenario, events: readonly Envelope[]): Verdict {
  const judge = new Judge(given)
  for (const event of events) judge.add(event)
  return judge.verdict()
}

/** The steps that are not met, with what is wrong. */
function faults({ findings, strays }: Verdict): string[] {
  const faulty = findings.flatMap(({ expectation: { name }, fault }) => (fault ? [`${name} ${fault}`] : []))
  return [...faulty, ...strays.map((index) => `stray ${index}`)]
}

test.each([
  ['a b', 'a b', []],
  ['a b', 'c a c b c', []],
  ['a b', 'b a', ['b missing']],
  ['a b', 'b a b', []],
  ['a b c', 'a c', ['b missing']],
  ['a b c', 'c', ['a missing', 'b missing']],
  ['a b c d', 'a c d b', ['b missing']],
  ['a b c', 'a c b', ['c missing']],
  ['a a', 'a', ['a missing']],
  ['a a', 'a a', []],
  ['a* b', 'a.x b', []],
  ['a{2+} b', 'a b a', ['b missing']],
  ['a{2+} b', 'a a b a', []],
  ['a{1} b', 'a b', []],
  ['a{1} b', 'a a b', ['a{1} over']],
  ['a{1} b', 'a b a', ['a{1} over']],
  ['a{1} b a{1}', 'a b a', []],
  ['a{1} b a{1}', 'a b a a', ['a{1} over']],
  ['a{1..2} b', 'a a b', []],
  ['a[x=1]{1} a', 'a1 a2 a2', []],
  ['a[x=1]{1} a', 'a1 a1', []],
  ['a !b', 'a', []],
  ['a !b', 'b a', ['!b over']],
  ['a !b', 'a b', ['!b over']],
  ['a !*', 'a', ['!* over']],
  ['a{..2} b', 'b a a', []],
  ['a{..2} b', 'a b a a', ['a{..2} over']],
  ['a{..2} a', 'a a a', ['a{..2} over']],
  ['a', '', ['a missing']],
])('[CMD28a] subset: %j and the log %j', (steps, events, expected) => {
  expect(faults(judged(scenario(steps), log(events)))).toEqual(expected)
})

test.each([
  ['a b', 'a b', [], []],
  ['a b', 'a c b', [], []],
  ['a b', 'a c b', ['c'], ['stray 1']],
  ['a b', 'a c.d b', ['c*'], ['stray 1']],
  ['a b', 'b a', [], ['b missing', 'stray 0']],
  ['a b', 'a b a', [], ['stray 2']],
  ['a b', 'a a b', [], []],
  ['a{1} b', 'a a b', [], ['a{1} over']],
  ['a[x=1] b', 'a1 a2 b', [], ['stray 1']],
  ['a{..1} b', 'b', [], []],
  ['a{..1} b', 'a b', [], []],
  ['a{..1} b', 'a a b', [], ['a{..1} over']],
  ['a !b[x=1]', 'a b2 b2', [], []],
  ['a !b[x=1]', 'a b1', [], ['!b[x=1] over']],
])('[CMD28b] exact: %j and the log %j, only %j', (steps, events, only, expected) => {
  expect(faults(judged(scenario(steps, 'exact', only), log(events)))).toEqual(expected)
})

test.each([
  ['a b', 'b a', []],
  ['a a[x=1]', 'a1 a2', []],
  ['a a[x=1]', 'a2 a1', []],
  ['a a[x=1]', 'a1', ['a[x=1] missing']],
  ['a* a[x=1] *[x=1]', 'a1 b1 a2', []],
  ['a{2} a[x=1]{1}', 'a1 a2 a3', []],
  ['a{2} a[x=1]{1}', 'a1 a2 a3 a4', ['a{2} over']],
  ['a{2} a[x=1]{1}', 'a1 a1 a1', []],
  ['a[x=1]{1} a', 'a1 a1 a1', []],
  ['a{2..3}', 'a a a a', ['a{2..3} over']],
  ['a b !c', 'c b a', ['!c over']],
  ['a a{..1}', 'a a', ['a{..1} over']],
])('[CMD28c] any: %j and the log %j', (steps, events, expected) => {
  expect(faults(judged(scenario(steps, 'any'), log(events)))).toEqual(expected)
})

test('[CMD28c] a long chain of events makes room for one more', () => {
  const count = 100
  const steps = Array.from({ length: count }, (_, at) => `a[x<=${at}]`)
  const events = Array.from({ length: count }, (_, at) => `a${at}`)
  expect(judged(scenario(steps.reverse().join(' '), 'any'), log(events.join(' '))).isMet).toBe(true)
  expect(judged(scenario(steps.join(' '), 'any'), log(events.slice(1).join(' '))).isMissing).toBe(true)
})

test('[CMD28d] what serves an expectation is named, each event once', () => {
  const served = (steps: string, order: Order, events: string) =>
    judged(scenario(steps, order), log(events)).findings.map((finding) => finding.served)
  expect(served('a b', 'subset', 'a a c b b a')).toEqual([
    [0, 1],
    [3, 4],
  ])
  expect(served('a a[x=1]', 'any', 'a1 a2 a3')).toEqual([[1, 2], [0]])
  expect(served('a !b', 'subset', 'b a b')).toEqual([[1], [0, 2]])
  expect(served('a{1} b', 'subset', 'a b a')).toEqual([[0, 2], [1]])
})

const WITH_SAVES = `
expect:
  - { type: a, save: { card: x } }
  - { type: b, where: { x: $card } }
  - { type: c, where: { x: $card } }
never:
  - { type: d, where: { x: $card } }
`

test.each([
  ['a1 b1 c1', []],
  ['a1 a2 b2 c2', []],
  ['a1 b1 a2 b2 c2', []],
  ['a1 b2 c1', ['b missing']],
  ['a b1 c1', ['a missing', 'b missing', 'c missing']],
  ['d1 a1 b1 c1', ['d over']],
  ['d2 a1 b1 c1', []],
  ['a1 a2 b1 b2 c1 c2 d1', []],
  ['a1 a2 b1 b2 c1 c2 d1 d2', ['d over']],
])('[CMD30c] what a step saves decides for later ones, whichever event it takes: %j', (events, expected) => {
  const given = readScenario(WITH_SAVES, 's.yaml', {})
  const named = { ...given, expectations: given.expectations.map((one) => ({ ...one, name: one.type })) }
  expect(faults(judged(named, log(events)))).toEqual(expected)
})

const types = fc.constantFrom('a', 'b', 'c')
const anyLog = fc
  .array(fc.tuple(types, fc.constantFrom(1, 2)), { maxLength: 5 })
  .map((words) => log(words.map(([type, x]) => `${type}${x}`).join(' ')))
const COUNTS = ['1+', '1', '2', '2+', '1..2', '..1', '..0', '..2', '0+']
const anyStep = (counts: readonly string[]) =>
  fc.record({
    type: fc.constantFrom('a', 'b', 'c', '*', 'a,b'),
    where: fc.constantFrom('', '', '[x=1]', '[x=2]'),
    count: fc.constantFrom(...counts),
  })
const anyScenario = (counts: readonly string[], orders: readonly Order[]) =>
  fc
    .record({
      steps: fc.array(anyStep(counts), { minLength: 1, maxLength: 3 }),
      order: fc.constantFrom(...orders),
      only: fc.subarray(['a', 'c']),
    })
    .map(({ steps, order, only }) =>
      scenario(steps.map(({ type, where, count }) => `${type}${where}{${count}}`).join(' '), order, only),
    )

test('[CMD28e] a log is met exactly if some way of serving is free of faults', () => {
  let met = 0
  fc.assert(
    fc.property(anyScenario(COUNTS, ['subset', 'exact', 'any']), anyLog, (given, events) => {
      const verdict = judged(given, events)
      expect(verdict.isMet).toBe(isMetByBruteForce(given, events))
      if (verdict.isMet) met += 1
    }),
    { numRuns: 1_000 },
  )
  expect(met).toBeGreaterThan(0)
})

const WITHOUT_BOUNDS = fc.oneof(anyScenario(['1+', '2+', '3+'], ['subset']), anyScenario(['1+'], ['any']))

test('[CMD28e] without upper bounds, as few expectations as possible are reported', () => {
  fc.assert(
    fc.property(WITHOUT_BOUNDS, anyLog, (given, events) => {
      expect(faults(judged(given, events)).length).toBe(fewestFaults(given, events))
    }),
    { numRuns: 500 },
  )
})

const savingStep = fc.record({
  type: fc.constantFrom('a', 'b', '"*"'),
  where: fc.constantFrom('', 'x: $v', 'y: $v', 'x: 1'),
  save: fc.constantFrom('', 'x', 'y'),
  count: fc.constantFrom('1+', '1', '2+', '1..2'),
})

test('[CMD28e] [CMD30c] with saved values, too', () => {
  const events = fc
    .array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(1, 2), fc.constantFrom(1, 2)), { maxLength: 5 })
    .map((words) => log(words.map(([type, x, y]) => `${type}${x},${y}`).join(' ')))
  const steps = fc.array(savingStep, { maxLength: 2 })
  let met = 0
  fc.assert(
    fc.property(
      steps,
      fc.option(savingStep),
      fc.constantFrom('subset', 'exact'),
      events,
      (list, never, order, given) => {
        const lines = list.map(({ type, where, save, count }) => {
          const saved = save === '' ? '' : `, save: {v: ${save}}`
          return `  - {type: ${type}, where: {${where}}, count: ${count}${saved}}`
        })
        // The first step saves, so that the name is known to the others.
        const first = '  - {type: a, save: {v: x}}'
        const absence = never ? `\nnever:\n  - {type: ${never.type}, where: {${never.where}}}` : ''
        const text = `order: ${order}\nexpect:\n${[first, ...lines].join('\n')}${absence}`
        const scenarioGiven = readScenario(text, 's.yaml', {})
        const { isMet } = judged(scenarioGiven, given)
        expect(isMet).toBe(isMetByBruteForce(scenarioGiven, given))
        if (isMet) met += 1
      },
    ),
    { numRuns: 400 },
  )
  expect(met).toBeGreaterThan(0)
})

test('[CMD29a] asking in between changes nothing, and what is broken stays broken', () => {
  fc.assert(
    fc.property(anyScenario(COUNTS, ['subset', 'exact', 'any']), anyLog, (given, events) => {
      const judge = new Judge(given)
      let wasBroken = false
      for (const [at, event] of events.entries()) {
        judge.add(event)
        const verdict = judge.verdict()
        expect(verdict).toEqual(judged(given, events.slice(0, at + 1)))
        if (wasBroken) expect([verdict.isBroken, verdict.isMet]).toEqual([true, false])
        if (verdict.isMet) expect([verdict.isBroken, verdict.isMissing]).toEqual([false, false])
        wasBroken = verdict.isBroken
      }
    }),
    { numRuns: 500 },
  )
})

test('[CMD29a] events of other types change nothing, and a long log takes no longer for each event', () => {
  const judge = new Judge(scenario('a{2+} b{1} a !c', 'subset'))
  expect(judge.isJudged('a')).toBe(true)
  expect(judge.isJudged('z')).toBe(false)
  for (const event of log(`a a b ${'a z '.repeat(5_000)}`)) {
    judge.add(event)
    judge.standing()
  }
  expect(judge.verdict().isMet).toBe(true)
})
