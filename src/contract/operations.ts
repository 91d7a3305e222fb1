/** Every operation in one form, whichever way its route is registered. */
import type * as z from 'zod'
import { API_PREFIX } from '../../shared/src/protocol.ts'
import type { DeclaredRoute } from '../routes/declared.ts'
import type { PlainOperation, Tag } from '../routes/operation.ts'
import { operatorOperations } from '../routes/operations.ts'
import { streamOperations } from '../routes/streams.ts'
import { contractOperations } from './contract-operations.ts'
import { errorsOf, type Taking } from './errors-of.ts'

export interface Operation {
  readonly operationId: string
  readonly tag: Tag
  readonly summary: string
  /** A sentence. */
  readonly right: string
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** With its parameters in braces. */
  readonly path: string
  readonly credentials: PlainOperation['credentials']
  readonly query?: z.ZodType | undefined
  readonly takesCursor: boolean
  readonly body?: { readonly schema: z.ZodType; readonly example: unknown; readonly isRequired: boolean }
  readonly takesKey: boolean
  readonly isMutation: boolean
  readonly statuses: readonly number[]
  readonly answer: PlainOperation['answer'] | null
  readonly errors: ReturnType<typeof errorsOf>
  readonly emits?: readonly string[]
}

/** In the order in which they are declared: the routes of the API first. */
export function operationsOf(routes: readonly DeclaredRoute[]): readonly Operation[] {
  const plain = [...streamOperations, ...operatorOperations, ...contractOperations]
  return [...routes.map(ofRoute), ...plain.map(ofPlain)]
}

function ofRoute(route: DeclaredRoute): Operation {
  const { operationId, tag, summary, method, query, body, answer, example, takesKey } = route
  const isMutation = method !== 'get'
  const taking: Taking = {
    errors: route.errors,
    takesCredentials: true,
    readsStore: true,
    isMutation,
    takesBody: body !== undefined,
    takesKey,
  }
  return {
    operationId,
    tag,
    summary,
    right: rightOf(route),
    method,
    path: API_PREFIX + inBraces(route.path),
    credentials: 'header',
    query,
    takesCursor: false,
    ...(body && { body: { schema: body, example: example.body, isRequired: !route.mayBeEmpty } }),
    takesKey,
    isMutation,
    statuses: [route.status, ...(route.otherStatus === undefined ? [] : [route.otherStatus])],
    answer: answer ? { kind: 'json', schema: answer, example: example.answer as object } : null,
    errors: errorsOf(taking),
    ...(isMutation && { emits: route.emits }),
  }
}

function ofPlain(plain: PlainOperation): Operation {
  const { operationId, tag, summary, right, credentials, query, answer } = plain
  const takesCredentials = credentials !== 'none'
  return {
    operationId,
    tag,
    summary,
    right,
    method: 'get',
    path: inBraces(plain.path),
    credentials,
    query,
    takesCursor: answer.kind === 'stream',
    takesKey: false,
    isMutation: false,
    statuses: [answer.kind === 'upgrade' ? 101 : 200],
    answer,
    errors: errorsOf({
      errors: plain.errors,
      takesCredentials,
      readsStore: takesCredentials,
      isMutation: false,
      takesBody: false,
      takesKey: false,
    }),
  }
}

function rightOf({ method, right }: DeclaredRoute): string {
  const action = method === 'get' ? 'subscribe' : 'publish'
  switch (right.by) {
    case 'admin':
      return 'Needs a token with `admin`.'
    case 'subject':
      return method === 'get'
        ? 'Any token will do; the answer has only what its holder may see.'
        : 'Any token will do; the ticket has at most the rights of its holder.'
    default:
      return `Needs the right to ${action} to ${right.to}.`
  }
}

function inBraces(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}')
}
