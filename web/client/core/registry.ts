/** The cores of this tab: hubs that would ask the same server the same way share one. */
import { defined, fullBackoff } from './backoff.ts'
import { type Core, createCore } from './core.ts'
import type { ClientOptions } from './options.ts'

interface Entry {
  readonly baseUrl: string
  readonly options: ClientOptions
  readonly core: Core
  holders: number
}

const DEFAULTS: ClientOptions = { transport: 'auto', share: 'tab', validate: 'off' }

const entries = new Set<Entry>()

/** The undo gives it back; the last one closes it. */
export function holdCore(
  baseUrl: string,
  options: ClientOptions,
): { readonly core: Core; readonly release: () => void } {
  const isAlone = options.share === 'none'
  const found = isAlone
    ? undefined
    : [...entries].find((entry) => entry.baseUrl === baseUrl && isSame(entry.options, options))
  const entry = found ?? { baseUrl, options, core: createCore(baseUrl, options), holders: 0 }
  if (!isAlone) entries.add(entry)
  entry.holders += 1
  return {
    core: entry.core,
    release() {
      entry.holders -= 1
      if (entry.holders > 0) return
      entries.delete(entry)
      entry.core.close()
    },
  }
}

/** `identity` stands for `auth`, which may be another function with every call. */
function isSame(a: ClientOptions, b: ClientOptions): boolean {
  const [mine, theirs] = [filled(a), filled(b)]
  const names = new Set(Object.keys({ ...mine, ...theirs }))
  if (a.identity !== undefined && a.identity === b.identity) names.delete('auth')
  return [...names].every((name) => Object.is(mine[name], theirs[name]))
}

/** What is left out is there as its default, so that what says the same looks the same. */
function filled({ backoff, baseUrl: _, ...given }: ClientOptions): Readonly<Record<string, unknown>> {
  return { ...DEFAULTS, ...defined(given), ...fullBackoff(backoff) }
}
