// Scenarios in YAML: what their keys mean, and what is said about mistakes.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Envelope } from '../../../src/expect/conditions/envelope.ts'
import { parseCount } from '../../../src/expect/scenario/count.ts'
import { readScenario } from '../../../src/expect/scenario/read-scenario.ts'
import { fits } from '../../../src/expect/scenario/scenario.ts'

const FILE = 's.yaml'

function read(text: string, environment: Record<string, string> = {}) {
  return readScenario(text, FILE, environment)
}

function faultsOf(text: string, environment: Record<string, string> = {}): string[] {
  try {
    read(text, environment)
  } catch (error) {
    return (error as Error).message.split('\n')
  }
  return []
}

function event(type: string, data: unknown, rest: Partial<Envelope> = {}): Envelope {
  return {
    channel: 'global',
    event: type,
    data,
    timestamp: Date.parse('2026-11-30T12:03:07.412Z'),
    id: '7e1f00aa-118',
    ...rest,
  }
}

/** Whether the one step of a scenario, with these conditions, fits a payload. */
function isMet(where: string, data: unknown, saved: Record<string, unknown> = {}): boolean {
  const before = Object.keys(saved).map((name) => `  - {type: a, save: {${name}: id}}\n`)
  const { expectations } = read(`expect:\n${before.join('')}  - {type: a, where: ${where}}`)
  return fits(expectations[before.length]!, event('a', data), new Map(Object.entries(saved)))
}

test('[CMD30a] a scenario with every key', () => {
  const scenario = read(
    `# a comment
name: An agent works on a card
channels: ['topic:deploys', global]
since: 7e1f00aa-104
within: 30s
settle: 250ms
order: exact
only: [card.*, 'attempt.*,run.*']
run: node scripts/work.mjs "$HOME" \${NODE:-node} $$x
expect:
  - name: the card is made
    type: card.created
    where:
      boardId: demo
      card.title: { matches: '^Hello' }
    save: { card: card.id }
  - { type: attempt.log.appended, where: { cardId: $card }, count: 2+ }
  - { type: deploy.*, channel: 'topic:deploys', where: { error: { exists: false } }, count: 3 }
never:
  - { type: attempt.status.changed, where: { cardId: $card, status: failed } }
`,
  )
  expect(scenario).toMatchObject({
    ...{ name: 'An agent works on a card', file: FILE, order: 'exact', since: '7e1f00aa-104' },
    ...{ withinMs: 30_000, settleMs: 250, only: ['card.*', 'attempt.*', 'run.*'] },
    ...{ channels: ['topic:deploys', 'global'], run: 'node scripts/work.mjs "$HOME" ${NODE:-node} $x' },
  })
  expect(scenario.expectations).toMatchObject([
    { name: 'the card is made', type: 'card.created', count: { min: 1 }, place: { file: FILE, line: 11 } },
    { type: 'attempt.log.appended', count: { min: 2, max: Number.POSITIVE_INFINITY }, place: { line: 17 } },
    { type: 'deploy.*', count: { min: 3, max: 3 }, place: { line: 18 } },
    { type: 'attempt.status.changed', count: { min: 0, max: 0 }, place: { line: 20 } },
  ])
  const [made, , deploy] = scenario.expectations
  expect(fits(made!, event('card.created', { boardId: 'demo', card: { id: 1, title: 'Hello you' } }), new Map())).toBe(
    true,
  )
  expect(fits(made!, event('card.created', { boardId: 'demo', card: { title: 'Hello you' } }), new Map())).toBe(false)
  expect(fits(deploy!, event('deploy.done', {}, { channel: 'topic:deploys' }), new Map())).toBe(true)
  expect(fits(deploy!, event('deploy.done', {}), new Map())).toBe(false)
  expect(fits(deploy!, event('deploy.done', { error: null }, { channel: 'topic:deploys' }), new Map())).toBe(false)
})

test('[CMD30a] the scenario in the documents is one', () => {
  const documents = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
  const [, text = ''] = /### Scenarios\n\n```yaml\n(.*?)```/s.exec(documents) ?? []
  expect(read(text).expectations).toHaveLength(4)
})

test('[CMD30a] everything but expect or never may be left out', () => {
  expect(read('expect: [{type: card.created}]')).toEqual({
    ...{ name: FILE, file: FILE, order: 'subset', only: [] },
    expectations: [expect.objectContaining({ name: 'card.created', isNameGiven: false })],
  })
  expect(read('never: [{type: "*.failed"}]').expectations).toMatchObject([{ name: 'no *.failed', count: { max: 0 } }])
  expect(read('board: demo\nnever: [{type: a}]').board).toBe('demo')
})

test.each([
  ['{ x: 5 }', { x: 5 }, true],
  ['{ x: 5 }', { x: '5' }, false],
  ['{ x: "5" }', { x: '5' }, true],
  ['{ x: null }', { x: null }, true],
  ['{ x: null }', {}, false],
  ['{ x: [1, {a: b}] }', { x: [1, { a: 'b' }] }, true],
  ['{ x: [1, {a: b}] }', { x: [1, { a: 'b', c: 1 }] }, false],
  ['{ x: {equals: {a: {b: 1}}} }', { x: { a: { b: 1 } } }, true],
  ['{ x: {equals: {}} }', { x: {} }, true],
  ['{ x: {not: 1} }', { x: 2 }, true],
  ['{ x: {not: 1} }', {}, false],
  ['{ x: {matches: "^a"} }', { x: 'ab' }, true],
  ['{ x: {matches: "/^A/i"} }', { x: 'ab' }, true],
  ['{ x: {matches: "^a$"} }', { x: 'ab' }, false],
  ['{ x: {matches: "(a|b)$"} }', { x: 'ab' }, true],
  ['{ x: {notMatches: "^a"} }', { x: 'ab' }, false],
  ['{ x: {lt: 3} }', { x: 2 }, true],
  ['{ x: {lte: 3, gt: 1} }', { x: 3 }, true],
  ['{ x: {lte: 3, gt: 1} }', { x: 1 }, false],
  ['{ x: {gte: "2026-01-01"} }', { x: '2026-01-01T00:00:00Z' }, true],
  ['{ x: {contains: bug} }', { x: ['ui', 'bug'] }, true],
  ['{ x: {contains: bug} }', { x: 'debugger' }, true],
  ['{ x: {contains: {a: 1}} }', { x: [{ a: 1 }] }, true],
  ['{ x: {contains: bug} }', { x: { bug: 1 } }, false],
  ['{ x: {oneOf: [a, 1, null]} }', { x: null }, true],
  ['{ x: {oneOf: [a, 1, null]} }', { x: 'b' }, false],
  ['{ x: {exists: true} }', { x: null }, true],
  ['{ x: {exists: false} }', { x: null }, false],
  ['{ "x[*].n": 2, "@event": a }', { x: [{ n: 1 }, { n: 2 }] }, true],
])('[CMD30b] where %s, %j: %s', (where, data, expected) => {
  expect(isMet(where, data)).toBe(expected)
})

test.each([
  ['{ x: $id }', { x: 5 }, { id: 5 }, true],
  ['{ x: $id }', { x: '5' }, { id: 5 }, false],
  ['{ x: "no $id." }', { x: 'no 5.' }, { id: 5 }, true],
  ['{ x: $$id }', { x: '$id' }, { id: 5 }, true],
  ['{ x: "$5 and $" }', { x: '$5 and $' }, { id: 5 }, true],
  ['{ x: {oneOf: [a, $id]} }', { x: 'b' }, { id: 'b' }, true],
  ['{ x: {equals: {deep: [$id]}} }', { x: { deep: [{ a: 1 }] } }, { id: { a: 1 } }, true],
  ['{ x: {matches: "^$id$"} }', { x: 'a.b' }, { id: 'a.b' }, true],
  ['{ x: {matches: "^$id$"} }', { x: 'a-b' }, { id: 'a.b' }, false],
  ['{ x: {matches: $id} }', { x: 'a+b' }, { id: 'a+b' }, true],
  ['{ x: {gt: $id} }', { x: 6 }, { id: 5 }, true],
  ['{ x: {contains: $id} }', { x: ['a', 5] }, { id: 5 }, true],
])('[CMD30c] where %s, %j, saved %j: %s', (where, data, saved, expected) => {
  expect(isMet(where, data, saved)).toBe(expected)
})

test('[CMD30c] a condition on a value that was not saved is not met, and says so', () => {
  const { expectations } = read('expect: [{type: a, save: {id: id}}, {type: b, where: {x: $id}}]')
  const condition = expectations[1]!.conditions[0]!
  expect(condition.isMet(event('b', {}), new Map())).toBe(false)
  expect(condition.phrase(new Map())).toBe('"$id", and nothing was saved as $id')
  expect(condition.examine(event('b', { x: 1 }), new Map())).toMatchObject({ received: 1, met: false })
  expect(condition.examine(event('b', { x: 1 }), new Map([['id', 2]]))).toMatchObject({ expected: 2, phrase: '2' })
})

test('[CMD30d] variables of the environment', () => {
  const environment = { BOARD: 'demo', LIMIT: '10s', 'A.B': 'x' }
  const text = 'board: ${BOARD}\nwithin: ${LIMIT}\nexpect: [{type: "${BOARD}.made", where: {x: "$${BOARD}-${BOARD}"}}]'
  const scenario = read(text, environment)
  expect(scenario).toMatchObject({ board: 'demo', withinMs: 10_000 })
  expect(fits(scenario.expectations[0]!, event('demo.made', { x: '${BOARD}-demo' }), new Map())).toBe(true)
})

test.each([
  [
    'expct: []',
    [
      '1:1: a scenario has no key "expct"; did you mean "expect"?',
      '1:1: there is nothing to expect: add expect or never',
    ],
  ],
  ['name: x', ['1:1: there is nothing to expect: add expect or never']],
  ['', ['1:1: a scenario must be a mapping', '1:1: there is nothing to expect: add expect or never']],
  ['expect: []', ['1:9: expect needs at least one step']],
  ['expect: {type: a}', ['1:9: expect must be a list', '1:9: expect needs at least one step']],
  [
    'expect:\n  - { typ: a }',
    ['2:5: a step needs a type', '2:7: a step of expect has no key "typ"; did you mean "type"?'],
  ],
  ['never:\n  - { type: a, count: 2 }', ['2:16: a step of never has no key "count"; did you mean "name"?']],
  [
    'expect:\n  - type: a\n    where: { x: { matchs: b } }',
    [
      '3:19: there is no operator "matchs"; did you mean "matches"? (To compare with an object, write x: {equals: {…}}.)',
    ],
  ],
  ['expect:\n  - type: a\n    where: { "x[": 1 }', ['3:16: the path x[: expected [0], [*] or ["key"]']],
  [
    'expect:\n  - type: a\n    where: { x: $card }',
    ['3:17: nothing is saved as "$card"; no step before this one saves anything (A dollar is $$.)'],
  ],
  [
    'expect:\n  - { type: a, save: { card: id } }\n  - { type: b, where: { x: "of $crad" } }',
    ['3:32: nothing is saved as "$crad"; did you mean "$card"? (A dollar is $$.)'],
  ],
  [
    'expect:\n  - { type: a, where: { x: $card }, save: { card: id } }',
    ['2:28: nothing is saved as "$card"; no step before this one saves anything (A dollar is $$.)'],
  ],
  ['order: any\nexpect:\n  - { type: a, save: { card: id } }', ['3:16: save needs an order: subset or exact']],
  ['order: sub\nexpect: [{type: a}]', ['1:8: there is no order "sub"; did you mean "subset"?']],
  ['only: a\nexpect: [{type: a}]', ['1:1: only belongs to order: exact']],
  ['within: 10\nexpect: [{type: a}]', ['1:9: within: "10" is not a duration, such as 250ms, 10s or 5m']],
  ['since: now\nexpect: [{type: a}]', ['1:8: "now" is not the id of an event, such as 7e1f00aa-104']],
  [
    'board: b\nchannels: [bord:x]\nexpect: [{type: a}]',
    [
      '2:1: use either board or channels',
      '2:11: "bord:x" is not a channel, such as board:demo, topic:deploys or global',
    ],
  ],
  ['expect: [{type: a, count: 2-3}]', ['1:27: count: "2-3" is not a count: use N, N+, N..M or ..M']],
  ['expect: [{type: a, where: {x: {oneOf: 1}}}]', ['1:39: oneOf takes a list']],
  ['expect: [{type: a, where: {x: {matches: 1}}}]', ['1:41: matches takes a regular expression, as a text']],
  ['expect: [{type: a, where: {x: {exists: 1}}}]', ['1:40: exists takes true or false']],
  ['expect: [{type: a, where: {x: {}}}]', ['1:31: x: for an empty object write {equals: {}}']],
  ['name: ${NMAE}\nexpect: [{type: a}]', ['1:7: the variable NMAE is not set']],
  ['name: "a ${NMAE}"\nexpect: [{type: a}]', ['1:10: the variable NMAE is not set']],
  ['name: ${1}\nexpect: [{type: a}]', ['1:7: a variable of the environment is ${NAME}, and a dollar is $$']],
  ['name: a\nname: b\nexpect: [{type: a}]', ['2:1: Map keys must be unique']],
  ['expect: [{type: a}', ['1:19: Flow sequence in block collection must be sufficiently indented and end with a ]']],
])('[CMD30e] %j is refused', (text, faults) => {
  expect(faultsOf(text)).toEqual(faults.map((fault) => `${FILE}:${fault}`))
})

test.each([
  ['expect:\n  - &e { type: a, where: { x: { equals: *e } } }', '2:41: *e is inside of &e, which it names'],
  ['expect: &all\n  - { type: a, where: { x: *all } }', '2:28: *all is inside of &all, which it names'],
])('[CMD30e] an alias inside of what it names is refused', (text, fault) => {
  expect(() => readScenario(text, 's.yaml', {})).toThrow(`s.yaml:${fault}`)
})

test('[CMD30e] an invalid pattern is refused where it stands', () => {
  expect(faultsOf('expect: [{type: a, where: {x: {matches: "("}}}]')[0]).toMatch(
    /^s\.yaml:1:41: Invalid regular expression/,
  )
  expect(faultsOf('expect: [{type: a, save: {i: i}}, {type: a, where: {x: {matches: "($i"}}}]')[0]).toContain(
    '1:66: Invalid',
  )
})

test('[CMD30a] anchors of YAML work', () => {
  const { expectations } = read('expect:\n  - &a {type: a, where: {x: &v 1}}\n  - {type: b, where: {y: *v}}\n  - *a')
  expect(expectations.map(({ type }) => type)).toEqual(['a', 'b', 'a'])
  expect(fits(expectations[1]!, event('b', { y: 1 }), new Map())).toBe(true)
})

test.each([
  ['3', { min: 3, max: 3 }],
  ['0', { min: 0, max: 0 }],
  ['2+', { min: 2, max: Number.POSITIVE_INFINITY }],
  ['1..4', { min: 1, max: 4 }],
  ['..4', { min: 0, max: 4 }],
  ['3..', 'has no end; did you mean 3+?'],
  ['4..1', 'ends before it begins'],
])('[CMD27] the count %s', (text, expected) => {
  expect(parseCount(text)).toEqual(expected)
})

test.each(['', '+', '..', '-1', '1.5', '1-2', ' 1', '1e3', 'x'])('[CMD27] %j is not a count', (text) => {
  expect(parseCount(text)).toContain('is not a count')
})
