/** Conditions as the command line takes them: `PATH`, `!PATH`, or `PATH OP VALUE` without the blanks. */
import { nearest } from '../../text/nearest.ts'
import { type Comparison, equals, matches, type Ordering, opposite, ordered } from './comparison.ts'
import { type Condition, compares, exists } from './condition.ts'
import { scanPath, shownAt } from './path.ts'
import { regularExpression } from './regular-expression.ts'
import { SyntaxFault } from './syntax-fault.ts'

const SIGNS = ['=', '!=', '~', '!~', '<', '<=', '>', '>='] as const
type Sign = (typeof SIGNS)[number]

const ORDERING: Readonly<Partial<Record<Sign, Ordering>>> = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' }
const SIGN = /[!<>]=|!~|[=~<>]/y

/** Operators of other languages. Their last character would otherwise count as the beginning of the value. */
const FOREIGN: ReadonlyArray<readonly [string, Sign]> = [
  ['===', '='],
  ['!==', '!='],
  ['==', '='],
  ['=~', '~'],
  ['~=', '~'],
  ['~~', '~'],
  ['=>', '>='],
  ['=<', '<='],
  ['<>', '!='],
  [':=', '='],
]

/** Throws a SyntaxFault. */
export function parseCondition(text: string): Condition {
  const isAbsence = text.startsWith('!')
  const { path, end } = scanPath(text, isAbsence ? 1 : 0)
  if (end === text.length) return exists(path, !isAbsence)
  const sign = signAt(text, end)
  if (isAbsence) {
    throw new SyntaxFault(end, `!PATH has no operator; did you mean ${path.text}!=…?`)
  }
  return compares(path, comparisonOf(sign, text.slice(end + sign.length), end + sign.length), text)
}

/** A sentence with the place of a fault, which counts from 1. */
export function describeFault(text: string, fault: SyntaxFault): string {
  return `${text}: character ${fault.offset + 1}: ${fault.message}`
}

function signAt(text: string, at: number): Sign {
  const foreign = FOREIGN.find(([sign]) => text.startsWith(sign, at))
  if (foreign) {
    const [found, meant] = foreign
    const value = found.slice(1) + text.slice(at + found.length)
    const begun = text.slice(0, at + 1)
    const quoted = { '=': `${begun}${JSON.stringify(value)}`, '~': `${begun}/${value}/` }[found[0] ?? '']
    const orQuote = quoted === undefined ? '' : ` (For a value that begins so: ${quoted})`
    throw new SyntaxFault(at, `"${found}" is no operator; did you mean "${meant}"?${orQuote}`)
  }
  SIGN.lastIndex = at
  const written = SIGN.exec(text)?.[0]
  const sign = SIGNS.find((known) => known === written)
  if (sign) return sign
  throw new SyntaxFault(at, faultAt(text, at))
}

function faultAt(text: string, at: number): string {
  const rest = text.slice(at)
  if (/^\s+(?:[!=~<>:]|$)/.test(rest)) return 'there are no blanks around an operator'
  const written = /^[^\w"'\s[\].]{1,3}/.exec(rest)?.[0]
  const guess =
    written === undefined ? undefined : nearest(written, [...SIGNS.filter((sign) => sign[0] === written[0]), ...SIGNS])
  const hint = guess === undefined ? '' : `; did you mean "${guess}"?`
  return `expected one of ${SIGNS.join(' ')}, found ${written ? `"${written}"` : shownAt(text, at)}${hint}`
}

function comparisonOf(sign: Sign, value: string, at: number): Comparison {
  const ordering = ORDERING[sign]
  if (ordering) return ordered(ordering, jsonOrText(value))
  switch (sign) {
    case '~':
      return matches(pattern(value, at))
    case '!~':
      return opposite(matches(pattern(value, at)), 'notMatches')
    case '!=':
      return opposite(equalTo(value), 'not')
    default:
      return equalTo(value)
  }
}

/** A number, `true` and `false` also match their text: most of what looks like them in a payload is text. */
function equalTo(value: string): Comparison {
  const json = jsonOrText(value)
  return typeof json === 'number' || typeof json === 'boolean' ? equals(json, [json, value]) : equals(json)
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value // Harmless: what is not JSON is text.
  }
}

function pattern(value: string, at: number): RegExp {
  try {
    return regularExpression(value)
  } catch (error) {
    if (error instanceof SyntaxFault) throw new SyntaxFault(at, error.message)
    throw error
  }
}
