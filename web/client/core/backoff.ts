/** How long to wait after so many failures in a row. */
import type { Backoff } from './options.ts'

export const DEFAULT_BACKOFF = { firstMs: 1_500, maxMs: 12_000, failures: 8, restMs: 60_000 } as const

export type FullBackoff = { readonly [Field in keyof typeof DEFAULT_BACKOFF]: number }

export function fullBackoff(backoff: Backoff = {}): FullBackoff {
  return { ...DEFAULT_BACKOFF, ...defined(backoff) }
}

/** Without what is there but undefined. */
export function defined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Full jitter under a ceiling that doubles, so that the clients of a server that comes back do not all come at once. */
export function delayMs({ firstMs, maxMs }: Pick<FullBackoff, 'firstMs' | 'maxMs'>, failures: number): number {
  return Math.random() * Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1))
}
