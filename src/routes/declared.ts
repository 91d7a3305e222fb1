/** A route as it was declared. The contract is made from these (docs/contract.md). */
import type * as z from 'zod'
import type { EventType } from '../../shared/src/catalogue.ts'
import type { Described } from './operation.ts'
import type { Right } from './rights.ts'

export type Method = 'post' | 'put' | 'patch' | 'delete'

export interface DeclaredRoute extends Described {
  readonly method: 'get' | Method
  readonly path: string
  readonly right: DeclaredRight
  readonly query?: z.ZodType | undefined
  /** Of its body, if it takes one. */
  readonly body?: z.ZodType | undefined
  /** The body may be left out. */
  readonly mayBeEmpty: boolean
  readonly status: 200 | 201 | 202 | 204
  readonly otherStatus?: 200 | undefined
  /** Of its answer, if that has a body. */
  readonly answer?: z.ZodType | undefined
  readonly example: { readonly body?: unknown; readonly answer?: unknown }
  readonly emits: readonly EventType[]
  /** It may carry an `Idempotency-Key`. */
  readonly takesKey: boolean
}

type DeclaredRight = Pick<Right<never, never, never>, 'by'> & { readonly to?: string }

type Shared = Described & Pick<DeclaredRoute, 'right' | 'query' | 'answer' | 'example'>

export function declaredRead(path: string, options: Shared): DeclaredRoute {
  return { ...pick(options), method: 'get', path, status: 200, mayBeEmpty: false, emits: [], takesKey: false }
}

export function declaredMutation(
  method: Method,
  path: string,
  options: Shared &
    Pick<DeclaredRoute, 'body' | 'status' | 'otherStatus' | 'emits'> & { emptyBody?: unknown; isSecret?: true },
): DeclaredRoute {
  const { body, status, otherStatus, emits, emptyBody, isSecret } = options
  const takesKey = method === 'post' && !isSecret
  return {
    ...pick(options),
    method,
    path,
    body,
    status,
    otherStatus,
    emits,
    mayBeEmpty: emptyBody !== undefined,
    takesKey,
  }
}

function pick({ operationId, tag, summary, errors, right, query, answer, example }: Shared) {
  return { operationId, tag, summary, errors, right, query, answer, example }
}
