/** The conditions of a step: `where: { PATH: VALUE, PATH: { OPERATOR: VALUE } }`. */
import { isMap, type Node } from 'yaml'
import { nearest } from '../../text/nearest.ts'
import {
  COMPARISON_OPERATORS,
  type Comparison,
  type ComparisonOperator,
  contains,
  equals,
  matches,
  oneOf,
  opposite,
  ordered,
} from '../conditions/comparison.ts'
import { type Condition, compares, comparesLater, exists, type Operator, type Saved } from '../conditions/condition.ts'
import { type Path, parsePath } from '../conditions/path.ts'
import { escapedForRegularExpression, regularExpression } from '../conditions/regular-expression.ts'
import { SyntaxFault } from '../conditions/syntax-fault.ts'
import { type Environment, filledIn, filledText, parseTemplate, savedNamesIn, type Template } from './template.ts'
import { type Field, startOf, type YamlSource } from './yaml-source.ts'

const OPERATORS: readonly Operator[] = [...COMPARISON_OPERATORS, 'exists']

export interface Scope {
  readonly source: YamlSource
  readonly environment: Environment
  /** The names that earlier steps save. */
  readonly saved: readonly string[]
}

/** JSON in which texts are templates. */
type Shape =
  | { readonly template: Template }
  | { readonly list: readonly Shape[] }
  | { readonly map: ReadonlyArray<readonly [string, Shape]> }
  | { readonly value: unknown }

export function readWhere(node: Node | null, scope: Scope): Condition[] {
  return scope.source.anyFields(node, 'where').flatMap((field) => {
    const path = readPath(field, scope)
    return path ? conditionsAt(path, field, scope) : []
  })
}

function readPath({ key, keyAt }: Field, { source }: Scope): Path | undefined {
  try {
    return parsePath(key)
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error
    source.fault(keyAt + error.offset, `the path ${key}: ${error.message}`)
    return undefined
  }
}

function conditionsAt(path: Path, { value, key }: Field, scope: Scope): Condition[] {
  const { source } = scope
  if (!isMap(source.resolved(value))) return condition(path, 'equals', value, scope)
  const operators = source.anyFields(value, key)
  if (operators.length === 0) source.fault(startOf(value), `${key}: for an empty object write {equals: {}}`)
  return operators.flatMap((field) => {
    const operator = OPERATORS.find((known) => known === field.key)
    if (operator) return condition(path, operator, field.value, scope)
    source.fault(
      field.keyAt,
      `there is no operator "${field.key}"; did you mean "${nearest(field.key, OPERATORS)}"? (To compare with an object, write ${key}: {equals: {…}}.)`,
    )
    return []
  })
}

function condition(path: Path, operator: Operator, node: Node | null, scope: Scope): Condition[] {
  if (operator === 'exists') return existence(path, node, scope)
  const shape = readShape(node, scope)
  const uses = usesOf(shape)
  try {
    const now = comparison(operator, shape, new Map())
    if (uses.length === 0) return [compares(path, now)]
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error
    scope.source.fault(startOf(node), error.message)
    return []
  }
  const written = scope.source.json(node)
  return [
    comparesLater(path, { uses, op: operator, written, comparison: (saved) => comparison(operator, shape, saved) }),
  ]
}

function existence(path: Path, node: Node | null, { source }: Scope): Condition[] {
  const value = source.scalar(node)
  if (typeof value === 'boolean') return [exists(path, value)]
  source.fault(startOf(node), 'exists takes true or false')
  return []
}

/** Throws a SyntaxFault for what an operator does not take. */
function comparison(operator: ComparisonOperator, shape: Shape, saved: Saved): Comparison {
  switch (operator) {
    case 'equals':
      return equals(fill(shape, saved))
    case 'not':
      return opposite(equals(fill(shape, saved)), 'not')
    case 'matches':
      return matches(patternIn(shape, operator, saved))
    case 'notMatches':
      return opposite(matches(patternIn(shape, operator, saved)), 'notMatches')
    case 'contains':
      return contains(fill(shape, saved))
    case 'oneOf':
      return oneOf(listIn(shape, saved))
    default:
      return ordered(operator, fill(shape, saved))
  }
}

/** In a pattern, a saved value stands for itself, whatever characters it has. */
function patternIn(shape: Shape, operator: ComparisonOperator, saved: Saved): RegExp {
  if (!('template' in shape)) throw new SyntaxFault(0, `${operator} takes a regular expression, as a text`)
  return regularExpression(filledText(shape.template, saved, escapedForRegularExpression))
}

function listIn(shape: Shape, saved: Saved): readonly unknown[] {
  const value = fill(shape, saved)
  if (Array.isArray(value)) return value
  if (usesOf(shape).length === 0) throw new SyntaxFault(0, 'oneOf takes a list')
  return [value]
}

function readShape(node: Node | null, scope: Scope): Shape {
  const { source } = scope
  const resolved = source.resolved(node)
  if (isMap(resolved)) {
    return {
      map: source.anyFields(resolved, 'a value').map(({ key, value }) => [key, readShape(value, scope)] as const),
    }
  }
  const scalar = source.scalar(resolved)
  if (typeof scalar === 'string') return { template: templateIn(scalar, resolved, scope) }
  if (scalar !== undefined) return { value: scalar }
  return { list: source.items(resolved, 'a value').map((item) => readShape(item, scope)) }
}

function templateIn(text: string, node: Node | null, { source, environment, saved }: Scope): Template {
  let template: Template
  try {
    template = parseTemplate(text, environment, { hasSaved: true })
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error
    source.fault(source.within(node, text, error.offset), error.message)
    return { parts: [] }
  }
  for (const { saved: name, offset } of savedNamesIn(template)) {
    if (saved.includes(name)) continue
    const known = nearest(name, saved)
    const hint = known === undefined ? 'no step before this one saves anything' : `did you mean "$${known}"?`
    source.fault(source.within(node, text, offset), `nothing is saved as "$${name}"; ${hint} (A dollar is $$.)`)
  }
  return template
}

function usesOf(shape: Shape): string[] {
  if ('template' in shape) return savedNamesIn(shape.template).map(({ saved }) => saved)
  if ('list' in shape) return shape.list.flatMap(usesOf)
  return 'map' in shape ? shape.map.flatMap(([, each]) => usesOf(each)) : []
}

function fill(shape: Shape, saved: Saved): unknown {
  if ('template' in shape) return filledIn(shape.template, saved)
  if ('list' in shape) return shape.list.map((each) => fill(each, saved))
  return 'map' in shape ? Object.fromEntries(shape.map.map(([key, each]) => [key, fill(each, saved)])) : shape.value
}
