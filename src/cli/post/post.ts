/** `boardcast post`: one request to the API. The answer goes to stdout. */

import { jsonLine } from '../../text/json-line.ts'
import { type ApiOptions, createApi, type Method } from '../api/api.ts'
import { usageError } from '../process/exit.ts'
import { dataOutput, type OutputOptions } from '../process/output.ts'
import { bodyOf, fieldsOf, filledPath, withFields } from './arguments.ts'

export interface PostOptions extends ApiOptions, OutputOptions {
  readonly method: Method
  readonly data?: string
  readonly idempotencyKey?: string
  readonly timeout: number
}

/** Throws a CommandError if it is refused. */
export async function post(path: string, words: readonly string[], options: PostOptions): Promise<void> {
  if (!path.startsWith('/')) throw usageError(`"${path}" is no path: write one such as /boards/demo/cards.`)
  const { method, timeout } = options
  const target = filledPath(path, fieldsOf(words))
  const hasBody = method !== 'GET' && method !== 'DELETE'
  if (!hasBody && options.data !== undefined) throw usageError(`--data: a ${method} has no body.`)
  const { body, eventId } = await createApi(options).send(
    method,
    hasBody ? target.path : withQuery(target.path, target.rest),
    {
      ...(hasBody && { body: withFields(bodyOf(options.data), target.rest) }),
      idempotencyKey: options.idempotencyKey,
      patience: { unreachableMs: timeout, busyMs: timeout },
    },
  )
  const output = dataOutput(options)
  if (body !== undefined) {
    await output.write(`${output.isTerminal ? JSON.stringify(body, null, 2) : jsonLine(body)}\n`)
  }
  if (eventId !== undefined && !options.quiet) process.stderr.write(`Event-Id: ${eventId}\n`)
}

function withQuery(path: string, fields: Readonly<Record<string, unknown>>): string {
  const texts = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : jsonLine(value),
  ])
  const query = new URLSearchParams(Object.fromEntries(texts)).toString()
  return query === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`
}
