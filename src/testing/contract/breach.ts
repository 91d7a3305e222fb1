/** What a validator found, for people. */
import type { ErrorObject } from 'ajv'
import type { Schema } from './document.ts'

/** Which rule is broken where. */
export interface Breach {
  /** Such as `data.toIndex`; empty for the whole frame. */
  readonly path: string
  readonly rule: string
  readonly received: unknown
}

export function breachFrom({ instancePath, keyword, message, params }: ErrorObject, value: unknown): Breach {
  const extra: unknown = params.additionalProperty ?? params.missingProperty
  const keys = [
    ...(instancePath === '' ? [] : instancePath.slice(1).split('/').map(unescaped)),
    ...(typeof extra === 'string' ? [extra] : []),
  ]
  const allowed: unknown = params.allowedValues ?? params.allowedValue
  const rules: Readonly<Record<string, string>> = {
    additionalProperties: 'is a field too many',
    required: 'is missing',
  }
  const sentence = rules[keyword] ?? `${message}${allowed === undefined ? '' : ` ${JSON.stringify(allowed)}`}`
  return {
    path: keys.reduce(joined, ''),
    rule: `${sentence} (${keyword})`,
    received: keys.reduce<unknown>((inner, key) => (inner as Schema | null | undefined)?.[key], value),
  }
}

function joined(path: string, key: string): string {
  if (/^\d+$/.test(key)) return `${path}[${key}]`
  return path === '' ? key : `${path}.${key}`
}

function unescaped(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~')
}
