/** Paths into an event: `card.labels[0]`, `card.labels[*]`, `["odd.key"].x`, `@channel`. */

import { nearest } from '../../text/nearest.ts'
import type { Envelope } from './envelope.ts'
import { isoTime } from './iso-time.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** Every element of an array. */
const EACH = Symbol('each')

type Step = string | number | typeof EACH

const ENVELOPE_FIELDS = ['channel', 'id', 'event', 'timestamp'] as const
type EnvelopeField = (typeof ENVELOPE_FIELDS)[number]

export interface Path {
  /** As it was written. */
  readonly text: string
  /** What the steps start from. */
  readonly root: 'data' | EnvelopeField
  readonly steps: readonly Step[]
}

/** Ends a key that is not quoted. */
const KEY = /[^.[\]=!~<>:"'\s]+/y
const PLAIN_KEY = /^[^.[\]=!~<>:"'\s@][^.[\]=!~<>:"'\s]*$/
const INDEX = /\d+(?=\])/y
const QUOTED = /"(?:[^"\\]|\\.)*"(?=\])/y

/** The whole text as a path. Throws a SyntaxFault. */
export function parsePath(text: string): Path {
  const { path, end } = scanPath(text, 0)
  if (end < text.length) throw new SyntaxFault(end, `${shownAt(text, end)} cannot be part of a path`)
  return path
}

/** The path through fields of the payload. */
export function keyPath(keys: readonly string[]): Path {
  const text = keys.map((key, at) =>
    PLAIN_KEY.test(key) ? `${at === 0 ? '' : '.'}${key}` : `[${JSON.stringify(key)}]`,
  )
  return { text: text.join(''), root: 'data', steps: keys }
}

/** The path that begins at `start`, and where it ends. Throws a SyntaxFault. */
export function scanPath(text: string, start: number): { readonly path: Path; readonly end: number } {
  if (text[start] === '@') return scanEnvelopeField(text, start)
  const steps: Step[] = []
  let at = start
  for (;;) {
    if (text[at] === '[') {
      const { step, end } = scanBrackets(text, at)
      steps.push(step)
      at = end
    } else if (at === start || text[at] === '.') {
      const from = at === start ? at : at + 1
      const key = match(KEY, text, from)
      if (key === undefined) throw new SyntaxFault(from, `expected a key, found ${shownAt(text, from)}`)
      steps.push(key)
      at = from + key.length
    } else {
      return { path: { text: text.slice(start, at), root: 'data', steps }, end: at }
    }
  }
}

/**
 * Every value that the path leads to; none if it leads nowhere. null is a value. The time of an event is an ISO time, and
 * the number that the envelope has, so that it can be compared with either.
 */
export function valuesAt(path: Path, envelope: Envelope): readonly unknown[] {
  if (path.root === 'timestamp') return [isoTime(envelope), envelope.timestamp]
  let values: unknown[] = [envelope[path.root]]
  for (const step of path.steps) values = values.flatMap((value) => next(value, step))
  return values
}

function next(value: unknown, step: Step): unknown[] {
  if (Array.isArray(value)) {
    if (step === EACH) return [...value]
    return typeof step === 'number' && step < value.length ? [value[step]] : []
  }
  if (typeof step !== 'string' || typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return []
  return [(value as Readonly<Record<string, unknown>>)[step]]
}

function scanEnvelopeField(text: string, start: number): { path: Path; end: number } {
  const written = match(KEY, text, start) ?? ''
  const field = ENVELOPE_FIELDS.find((name) => `@${name}` === written)
  if (!field) {
    const known = nearest(
      written,
      ENVELOPE_FIELDS.map((name) => `@${name}`),
    )
    throw new SyntaxFault(start, `there is no "${written}"; did you mean "${known}"?`)
  }
  const end = start + written.length
  if (text[end] === '.' || text[end] === '[') throw new SyntaxFault(end, `"${written}" is a text and has no fields`)
  return { path: { text: written, root: field, steps: [] }, end }
}

function scanBrackets(text: string, open: number): { step: Step; end: number } {
  const at = open + 1
  if (text.startsWith('*]', at)) return { step: EACH, end: at + 2 }
  const index = match(INDEX, text, at)
  if (index !== undefined) return { step: Number(index), end: at + index.length + 1 }
  const quoted = match(QUOTED, text, at)
  if (quoted === undefined) {
    throw new SyntaxFault(at, 'expected [0], [*] or ["key"]')
  }
  return { step: keyIn(quoted, at), end: at + quoted.length + 1 }
}

function keyIn(quoted: string, at: number): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    throw new SyntaxFault(at, `${quoted} is not a text in JSON`)
  }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** What stands at a place, for an error. */
export function shownAt(text: string, at: number): string {
  if (at >= text.length) return 'the end'
  return /\s/.test(text[at] ?? '') ? 'a blank' : `"${String.fromCodePoint(text.codePointAt(at) ?? 0)}"`
}
