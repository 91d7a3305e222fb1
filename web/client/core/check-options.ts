/** Options that cannot be, said where they were given. */
import { misuse } from './errors.ts'
import type { ClientOptions } from './options.ts'

const CHOICES = {
  transport: ['auto', 'fetch', 'eventsource', 'ws'],
  share: ['tab', 'browser', 'none'],
  validate: ['off', 'warn', 'strict'],
} as const satisfies { readonly [Name in keyof ClientOptions]: ReadonlyArray<ClientOptions[Name]> }

export function checkOptions(options: ClientOptions): void {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const given: unknown = options[name as keyof typeof CHOICES]
    if (given === undefined || choices.some((choice) => choice === given)) continue
    throw misuse(`${name} cannot be ${JSON.stringify(given)}: give one of ${choices.join(', ')}.`)
  }
  const { heartbeatTimeoutMs, backoff } = options
  const numbers = Object.entries({ heartbeatTimeoutMs, ...prefixed('backoff', { ...backoff }) })
  for (const [name, given] of numbers) {
    if (given === undefined || (typeof given === 'number' && given >= 0)) continue
    throw misuse(`${name} cannot be ${String(given)}: give a number, 0 or more.`)
  }
}

function prefixed(name: string, fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [`${name}.${field}`, value]))
}
