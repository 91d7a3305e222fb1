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
    throw misuse(`${name} cannot be ${JSON.stringify(given)}: use one of ${choices.join(', ')}.`)
  }
  const { heartbeatTimeoutMs, backoff } = options
  for (const [name, given] of Object.entries({ heartbeatTimeoutMs, ...backoff })) {
    if (given !== undefined && !(typeof given === 'number' && given >= 0)) {
      throw misuse(`${name} cannot be ${given}: use a number, 0 or more.`)
    }
  }
}
