/** What is posted where: a path as it was given, or an operation by its name. */

import { jsonLine } from '../../text/json-line.ts'
import { nearest } from '../../text/nearest.ts'
import type { Method } from '../api/api.ts'
import { usageError } from '../process/exit.ts'
import { bodyOf, type Fields, filledPath, withFields } from './arguments.ts'
import type { Operation, Operations } from './operations.ts'

export interface Target {
  readonly method: Method
  readonly path: string
  /** Undefined: it has none. */
  readonly body: unknown
}

/** Throws a usage error. */
export function targetOfPath(given: string, method: Method, fields: Fields, data: string | undefined): Target {
  const { path, rest } = filledPath(given, fields)
  if (method !== 'GET' && method !== 'DELETE') return { method, path, body: withFields(bodyOf(data), rest) ?? {} }
  if (data !== undefined) throw usageError(`--data: a ${method} has no body.`)
  return { method, path: withQuery(path, rest), body: undefined }
}

/** Fields fill the path first, then the query, then the body. Throws a usage error. */
export function targetOfOperation(operation: Operation, fields: Fields, data: string | undefined): Target {
  const { name, method, inQuery, inBody } = operation
  for (const field of Object.keys(fields)) checkField(field, operation)
  const missing = operation.inPath.find((field) => fields[field] === undefined || fields[field] === '')
  if (missing !== undefined) throw usageError(`${name} needs ${missing}: add ${missing}=VALUE.`)
  if (data !== undefined && inBody === undefined) throw usageError(`--data: ${name} takes no body.`)
  const { path, rest } = filledPath(operation.path, fields)
  const isInQuery = ([field]: readonly [string, unknown]) => inQuery.includes(field)
  const query = Object.fromEntries(Object.entries(rest).filter(isInQuery))
  const inner = Object.fromEntries(Object.entries(rest).filter((entry) => !isInQuery(entry)))
  return {
    method,
    path: withQuery(path, query),
    body: inBody === undefined ? undefined : (withFields(bodyOf(data), inner) ?? {}),
  }
}

/** Throws a usage error that has the nearest known name. */
export function operationNamed(name: string, { known, others }: Operations): Operation {
  const found = known.find((each) => each.name === name)
  if (found) return found
  const other = others.find((each) => each.name === name)
  if (other) {
    throw usageError(
      `${name} is GET ${other.path}, which is no request to post: use boardcast tail for streams, and curl for the rest.`,
    )
  }
  const near = nearest(
    name,
    known.map((each) => each.name),
  )
  throw usageError(`there is no operation ${name}. Did you mean ${near}? (boardcast post --list shows all)`)
}

function checkField(field: string, { name, inPath, inQuery, inBody = [] }: Operation): void {
  const known = [...new Set([...inPath, ...inQuery, ...inBody])]
  if (known.includes(field)) return
  if (known.length === 0) throw usageError(`${name} has no field ${field}; it takes none.`)
  throw usageError(
    `${name} has no field ${field}. Did you mean ${nearest(field, known)}? It takes ${known.join(', ')}.`,
  )
}

function withQuery(path: string, fields: Fields): string {
  const texts = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : jsonLine(value),
  ])
  const query = new URLSearchParams(Object.fromEntries(texts)).toString()
  return query === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`
}
