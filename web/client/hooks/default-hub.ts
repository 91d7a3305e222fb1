import { createClient, type Hub } from '../core/client.ts'

let made: Hub | undefined

/** The hub of pages that name none: of their own origin. null where there is no page. */
export function defaultHub(): Hub | null {
  if (typeof document === 'undefined') return null
  made ??= createClient()
  return made
}
