// Conditions on the command line: how they are read, and which events meet them.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Envelope } from '../../../src/expect/conditions/envelope.ts'
import { jsonEqual } from '../../../src/expect/conditions/json-equal.ts'
import { describeFault, parseCondition } from '../../../src/expect/conditions/parse-condition.ts'
import { SyntaxFault } from '../../../src/expect/conditions/syntax-fault.ts'

const nothing = new Map<string, unknown>()

function event(data: unknown, rest: Partial<Envelope> = {}): Envelope {
  const stamp = { timestamp: Date.parse('2026-11-30T12:03:07.412Z'), id: '7e1f00aa-118' }
  return { channel: 'global', event: 'card.created', data, ...stamp, ...rest }
}

function isMet(condition: string, data: unknown): boolean {
  return parseCondition(condition).isMet(event(data), nothing)
}

const CARD = {
  card: {
    title: 'Hello',
    labels: ['bug', 'ui'],
    stage: null,
    n: 5,
    text: '5',
    done: true,
    says: 'true',
    nested: [[1, 2]],
  },
  'odd.key': { 'a"b': 1 },
  times: ['2026-11-30T12:00:00Z', '2026-11-30T14:00:00+01:00'],
  'ключ-1': 'да',
}

test.each([
  ['card.title', true],
  ['card.stage', true],
  ['card.nothing', false],
  ['card.title.length', false],
  ['card.labels.length', false],
  ['!card.nothing', true],
  ['!card.stage', false],
  ['card.labels[1]', true],
  ['card.labels[2]', false],
  ['card.labels[*]', true],
  ['!card.title[*]', true],
  ['card.nested[*][1]=2', true],
  ['card.nested[0][*]=3', false],
  ['constructor', false],
  ['__proto__', false],
  ['["odd.key"]["a\\"b"]=1', true],
  ['ключ-1=да', true],
])('[CMD26a] %s: %s', (condition, expected) => {
  expect(isMet(condition, CARD)).toBe(expected)
})

test.each([
  ['card.title=Hello', true],
  ['card.title="Hello"', true],
  ['card.title=hello', false],
  ['card.labels[*]=ui', true],
  ['card.labels[*]=x', false],
  ['card.labels=["bug","ui"]', true],
  ['card.labels=["ui","bug"]', false],
  ['card.n=5', true],
  ['card.text=5', true],
  ['card.text="5"', true],
  ['card.n="5"', false],
  ['card.n=5.0', true],
  ['card.text=5.0', false],
  ['card.n=05', false],
  ['card.done=true', true],
  ['card.says=true', true],
  ['card.done="true"', false],
  ['card.stage=null', true],
  ['card.stage=', false],
  ['card.title!=Hello', false],
  ['card.title!=other', true],
  ['card.text!=5', false],
  ['card.nothing!=5', false],
  ['card.labels[*]!=bug', true],
])('[CMD26b] %s: %s', (condition, expected) => {
  expect(isMet(condition, CARD)).toBe(expected)
})

test.each([
  ['card.title~^Hel', true],
  ['card.title~^hel', false],
  ['card.title~/^hel/i', true],
  ['card.title~/HEL/gi', true],
  ['card.title!~^x', true],
  ['card.title!~^H', false],
  ['card.labels[*]~^u', true],
  ['card.n~^5$', true],
  ['card.stage~null', false],
  ['card.labels~bug', false],
  ['card.title~/l/y', false],
  ['card.nothing!~x', false],
])('[CMD26c] %s: %s', (condition, expected) => {
  expect(isMet(condition, CARD)).toBe(expected)
  expect(isMet(condition, CARD)).toBe(expected)
})

test('[CMD26c] a pattern of a path is no pattern with flags', () => {
  expect(isMet('path~/usr/bin', { path: 'x/usr/bin' })).toBe(true)
  expect(isMet('path~/usr/', { path: 'usr' })).toBe(true)
})

test.each([
  ['card.n<6', true],
  ['card.n<5', false],
  ['card.n<=5', true],
  ['card.n>4.5', true],
  ['card.n>=5', true],
  ['card.n>-1', true],
  ['card.text>4', false],
  ['card.done>0', false],
  ['card.stage>=0', false],
  ['card.title>A', false],
  ['card.title<A', false],
  ['times[0]<2026-11-30T12:00:00.001Z', true],
  ['times[0]>=2026-11-30', true],
  ['times[0]<2026-11-30T13:30:00+01:00', true],
  ['times[1]>2026-11-30T12:59:59', true],
  ['times[1]>2026-11-30T13:00:00', false],
  ['times[0]>5', false],
  ['card.n<2026-11-30', false],
])('[CMD26d] %s: %s', (condition, expected) => {
  expect(isMet(condition, CARD)).toBe(expected)
})

test('[CMD26d] a bound that nothing can be compared with is warned of', () => {
  expect(parseCondition('card.n<five').warning).toContain('nothing is < "five"')
  expect(parseCondition('card.n<5').warning).toBeUndefined()
  expect(parseCondition('at<2026-11-30T12:00Z').warning).toBeUndefined()
})

test('[CMD26a] @ names the fields of the envelope', () => {
  const moved = event({ '@id': 'x' }, { channel: 'board:demo', event: 'card_moved' })
  for (const condition of [
    '@channel=board:demo',
    '@event~^card_',
    '@id=7e1f00aa-118',
    '@timestamp>2026-11-30',
    '@timestamp>1000',
  ]) {
    expect(parseCondition(condition).isMet(moved, nothing)).toBe(true)
  }
  expect(parseCondition('["@id"]=x').isMet(moved, nothing)).toBe(true)
})

test('[CMD26a] a payload may be any JSON', () => {
  expect(isMet('[1]=b', ['a', 'b'])).toBe(true)
  expect(isMet('x', 'text')).toBe(false)
  expect(isMet('!x', null)).toBe(true)
})

test.each([
  ['', 1, 'expected a key, found the end'],
  ['card.', 6, 'expected a key, found the end'],
  ['card..x', 6, 'expected a key, found "."'],
  ['card.labels[-1]', 13, 'expected [0], [*] or ["key"]'],
  ['card.labels[x]=1', 13, 'expected [0], [*] or ["key"]'],
  ['card["a\\q"]', 6, '"a\\q" is not a text in JSON'],
  ['card.title==Hello', 11, '"==" is no operator; did you mean "="? (For a value that begins so: card.title="=Hello")'],
  ['card.title=~Hello', 11, '"=~" is no operator; did you mean "~"? (For a value that begins so: card.title="~Hello")'],
  ['n=>5', 2, '"=>" is no operator; did you mean ">="?'],
  ['n<>5', 2, '"<>" is no operator; did you mean "!="?'],
  ['n:=5', 2, '":=" is no operator; did you mean "="?'],
  ['a~~b', 2, '"~~" is no operator; did you mean "~"? (For a value that begins so: a~/~b/)'],
  ['n = 5', 2, 'there are no blanks around an operator'],
  ['n!5', 2, 'expected one of = != ~ !~ < <= > >=, found "!"; did you mean "!="?'],
  ['!n=5', 3, '!PATH has no operator; did you mean n!=…?'],
  ['@chanel=x', 1, 'there is no "@chanel"; did you mean "@channel"?'],
  ['@id.x', 4, '"@id" is a text and has no fields'],
  ['a~(', 3, 'Invalid regular expression'],
  ['a~/(/i', 3, 'Invalid regular expression'],
])('[CMD26e] %j: character %i: %s', (text, position, message) => {
  const fault = faultOf(text)
  expect(describeFault(text, fault)).toContain(`${text}: character ${position}: `)
  expect(fault.message).toContain(message)
})

function faultOf(text: string): SyntaxFault {
  try {
    parseCondition(text)
  } catch (error) {
    if (error instanceof SyntaxFault) return error
    throw error
  }
  throw new Error(`${text} is a condition`)
}

test('[CMD26a] [CMD26b] every value of any JSON is found by its path and its JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (data) => {
      for (const [path, value] of pathsOf(JSON.parse(JSON.stringify(data)))) {
        expect(isMet(`${path}=${JSON.stringify(value)}`, JSON.parse(JSON.stringify(data)))).toBe(true)
        expect(isMet(`${path}!=${JSON.stringify(value)}`, JSON.parse(JSON.stringify(data)))).toBe(false)
        expect(isMet(path, data)).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

/** Every place below the root, with keys in quotes. */
function pathsOf(value: unknown, at = ''): Array<[string, unknown]> {
  const here: Array<[string, unknown]> = at === '' ? [] : [[at, value]]
  if (typeof value !== 'object' || value === null) return here
  const inside = Object.entries(value).flatMap(([key, each]) =>
    pathsOf(each, `${at}[${Array.isArray(value) ? key : JSON.stringify(key)}]`),
  )
  return [...here, ...inside]
}

test('[CMD26e] any text is a condition or has a fault at a place in it', () => {
  const piece = fc.constantFrom(
    'a',
    '.',
    '[',
    ']',
    '0',
    '*',
    '"',
    '=',
    '!',
    '~',
    '<',
    '>',
    '@id',
    ' ',
    '/',
    '(',
    'é',
    '\\',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('')
      try {
        parseCondition(text)
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxFault)
        const { offset } = error as SyntaxFault
        expect(offset >= 0 && offset <= text.length).toBe(true)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('[CMD26b] JSON is equal whatever the order of keys, and unequal if anything differs', () => {
  expect(jsonEqual({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] })).toBe(true)
  for (const other of [
    { a: 1 },
    { a: [1] },
    { a: null },
    { a: { 0: 1 } },
    { b: [1, 2] },
    { a: [1, 2], b: 1 },
    [1, 2],
    null,
  ]) {
    expect(jsonEqual({ a: [1, 2] }, other)).toBe(false)
  }
})

test('[CMD31a] a condition held against an event says what was expected and received', () => {
  expect(parseCondition('card.n<=4').examine(event(CARD), nothing)).toEqual({
    ...{ path: 'card.n', op: 'lte', expected: 4, phrase: '<= 4', received: 5, met: false },
  })
  expect(parseCondition('card.labels[*]=x').examine(event(CARD), nothing)).toMatchObject({ received: ['bug', 'ui'] })
  expect(parseCondition('card.x~^a').examine(event(CARD), nothing)).toEqual({
    ...{ path: 'card.x', op: 'matches', expected: '/^a/', phrase: 'matches /^a/', met: false },
  })
  expect(parseCondition('!card.n').examine(event(CARD), nothing)).toMatchObject({ phrase: 'absent', received: 5 })
})
