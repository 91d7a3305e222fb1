/** The arguments of `post`: fields from words and from JSON, and where each goes. */
import { readFileSync } from 'node:fs'
import { parseJson } from '../../text/json-line.ts'
import { usageError } from '../process/exit.ts'

export type Fields = Readonly<Record<string, unknown>>

/** `NAME=TEXT` and `NAME:=JSON`. Throws a usage error. */
export function fieldsOf(words: readonly string[]): Fields {
  const fields = new Map<string, unknown>()
  for (const word of words) {
    const [, name, sign, text = ''] = /^([^=:]+)(:?=)(.*)$/s.exec(word) ?? []
    if (name === undefined) throw usageError(`"${word}" is no field: write NAME=TEXT or NAME:=JSON.`)
    if (fields.has(name)) throw usageError(`${name} is given twice.`)
    const value = sign === '=' ? text : parseJson(text)
    if (value === undefined) throw usageError(`${name}:= is not followed by JSON. For text write ${name}=${text}`)
    fields.set(name, value)
  }
  return Object.fromEntries(fields)
}

/** `JSON`, `@FILE` or `-` for stdin. Throws a usage error. */
export function bodyOf(data: string | undefined): unknown {
  if (data === undefined) return undefined
  const from = data === '-' ? 'stdin' : data.startsWith('@') ? data.slice(1) : 'the option'
  const body = parseJson(data === '-' || data.startsWith('@') ? contentsOf(data) : data)
  if (body !== undefined) return body
  throw usageError(`--data: ${from} does not hold JSON.`)
}

function contentsOf(data: string): string {
  const file = data === '-' ? 0 : data.slice(1)
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw usageError(`--data ${data} cannot be read (${code}).`)
  }
}

/** The body with the fields over it. Throws a usage error if there are fields and the body is no object. */
export function withFields(body: unknown, fields: Fields): unknown {
  if (Object.keys(fields).length === 0) return body
  if (body === undefined) return fields
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body, ...fields }
  throw usageError('--data must be a JSON object when fields are given beside it.')
}

/** A path under `/api/v1`, without it. Its placeholders (`:id` or `{id}`) are filled from the fields. */
export function filledPath(path: string, fields: Fields): { path: string; rest: Fields } {
  const rest: Record<string, unknown> = { ...fields }
  const [plain = '', ...query] = path.replace(/^\/api\/v1(?=\/)/, '').split('?')
  const filled = plain
    .split('/')
    .map((part) => {
      const name = /^:(\w+)$|^\{(\w+)\}$/.exec(part)
      const field = name?.[1] ?? name?.[2]
      if (field === undefined) return part
      const value = rest[field]
      if (value === undefined || value === '') throw usageError(`the path needs ${field}: add ${field}=VALUE.`)
      delete rest[field]
      return encodeURIComponent(String(value))
    })
    .join('/')
  return { path: [filled, ...query].join('?'), rest }
}
