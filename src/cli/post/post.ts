/** `boardcast post`: one request to the API. The answer goes to stdout. */
import { jsonLine, parseJson } from '../../text/json-line.ts'
import { type ApiOptions, createApi, type Method } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import { CommandError, usageError } from '../process/exit.ts'
import { type Data, dataOutput, type OutputOptions } from '../process/output.ts'
import { fieldsOf } from './arguments.ts'
import type { Operation } from './operations.ts'
import { operationNamed, type Target, targetOfOperation, targetOfPath } from './target.ts'

export interface PostOptions extends ApiOptions, OutputOptions {
  readonly method?: Method
  readonly data?: string
  readonly idempotencyKey?: string
  readonly timeout: number
  readonly list?: boolean
}

/** `what` is the name of an operation or a path. Throws a CommandError if it is refused. */
export async function post(what: string | undefined, words: readonly string[], options: PostOptions): Promise<void> {
  const { timeout, idempotencyKey, quiet, list } = options
  const data = dataOutput(options)
  if (list) {
    if (what !== undefined) throw usageError('--list takes no operation: it shows all of them.')
    return listOperations(data)
  }
  if (what === undefined) {
    throw usageError('the operation is missing, as in boardcast post createCard. (boardcast post --list shows all)')
  }
  const { method, path, body } = await targetOf(what, words, options)
  const request = { ...(body !== undefined && { body }), idempotencyKey }
  const answer = await createApi(options)
    .send(method, path, { ...request, patience: { unreachableMs: timeout, busyMs: timeout } })
    .catch((error: unknown) => {
      throw error instanceof Refused ? withHint(error, words) : error
    })
  if (answer.body !== undefined) {
    await data.write(`${data.isLaidOut ? JSON.stringify(answer.body, null, 2) : jsonLine(answer.body)}\n`)
  }
  if (answer.eventId !== undefined && !quiet) process.stderr.write(`Event-Id: ${answer.eventId}\n`)
}

async function targetOf(what: string, words: readonly string[], { method, data }: PostOptions): Promise<Target> {
  const fields = fieldsOf(words)
  if (/^https?:/.test(what)) throw usageError(`${what}: write the path alone, and name the server with --url.`)
  if (what.includes('/')) {
    const path = what.startsWith('/') ? what : `/${what}`
    return targetOfPath(path, method ?? 'POST', fields, data)
  }
  // Loaded only for names: a path needs no contract.
  const { apiOperations } = await import('./operations.ts')
  const operation = operationNamed(what, apiOperations())
  if (method !== undefined && method !== operation.method) {
    throw usageError(`--method ${method}: ${operation.name} is a ${operation.method}; leave the option out.`)
  }
  return targetOfOperation(operation, fields, data)
}

/** Most faults of fields are texts that should have been JSON. */
function withHint(error: Refused, words: readonly string[]): CommandError {
  if (error.status !== 422) return error
  const [name, text] = words.flatMap((word) => {
    const [, field = '', value = ''] = /^([^=:]+)=(.*)$/s.exec(word) ?? []
    const json = parseJson(value)
    return json !== undefined && error.message.includes(`${field}: `) ? [field, value] : []
  })
  if (name === undefined) return error
  return new CommandError(error.exitCode, `${error.message} ${name} was sent as text: for JSON write ${name}:=${text}`)
}

async function listOperations(data: Data): Promise<void> {
  const { apiOperations } = await import('./operations.ts')
  const { known } = apiOperations()
  const width = (of: (operation: Operation) => string) => Math.max(...known.map((each) => of(each).length))
  const nameWidth = width(({ name }) => name)
  for (const { name, method, path, summary, emits } of known) {
    const row = `${data.paint('bold', name.padEnd(nameWidth))}  ${method.padEnd('DELETE'.length)} ${path}  ${data.paint('dim', emits.join(' '))}`
    const line = data.isLaidOut ? data.fit(row.trimEnd()) : jsonLine({ operation: name, method, path, emits, summary })
    await data.write(`${line}\n`)
  }
}
