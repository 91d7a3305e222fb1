/** Texts with variables: `${NAME}` is the environment's, `$name` one that a step has saved, `$$` a dollar. */
import { shown } from '../conditions/comparison.ts'
import type { Saved } from '../conditions/condition.ts'
import { SyntaxFault } from '../conditions/syntax-fault.ts'

export type Environment = Readonly<Record<string, string | undefined>>

type Part = string | { readonly saved: string; readonly offset: number }

const VARIABLE = /\$(?:(?<dollar>\$)|\{(?<environment>[A-Za-z_]\w*)\}|(?<brace>\{)|(?<saved>[A-Za-z_]\w*))/g

export interface Template {
  readonly parts: readonly Part[]
}

/** What stands where a `$` does not begin a variable of the environment. */
export interface Reading {
  /** Whether `$name` is a saved value; otherwise it is text. */
  readonly hasSaved?: boolean
  /** Whether `${` may begin something else, as in a shell. */
  readonly allowsBraces?: boolean
}

/** Throws a SyntaxFault for a variable that is not set, and for a malformed one. */
export function parseTemplate(text: string, environment: Environment, reading: Reading = {}): Template {
  const parts: Part[] = []
  let at = 0
  for (const match of text.matchAll(VARIABLE)) {
    const { environment: name, saved, brace } = match.groups ?? {}
    parts.push(text.slice(at, match.index))
    at = match.index + match[0].length
    if (name !== undefined) parts.push(environmentValue(name, environment, match.index))
    else if (brace !== undefined && !reading.allowsBraces) {
      throw new SyntaxFault(match.index, 'a variable of the environment is $' + '{NAME}, and a dollar is $$')
    } else if (saved !== undefined && reading.hasSaved) parts.push({ saved, offset: match.index })
    else parts.push(match[0] === '$$' ? '$' : match[0])
  }
  parts.push(text.slice(at))
  return { parts: parts.filter((part) => part !== '') }
}

function environmentValue(name: string, environment: Environment, offset: number): string {
  const value = environment[name]
  if (value === undefined) throw new SyntaxFault(offset, `the variable ${name} is not set`)
  return value
}

export function savedNamesIn({ parts }: Template): ReadonlyArray<{ readonly saved: string; readonly offset: number }> {
  return parts.filter((part) => typeof part !== 'string')
}

/** The text, for templates without saved values. */
export function plainText({ parts }: Template): string {
  return parts.map((part) => (typeof part === 'string' ? part : `$${part.saved}`)).join('')
}

/** A template that is one saved value is that value, of whatever kind; otherwise a text. */
export function filledIn(template: Template, saved: Saved): unknown {
  const [only, ...others] = template.parts
  const isValue = only !== undefined && typeof only !== 'string' && others.length === 0
  return isValue ? saved.get(only.saved) : filledText(template, saved, (text) => text)
}

/** A text in which saved values are inserted as `inserted` changes them. */
export function filledText({ parts }: Template, saved: Saved, inserted: (text: string) => string): string {
  return parts.map((part) => (typeof part === 'string' ? part : inserted(textOf(saved.get(part.saved))))).join('')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : shown(value)
}
