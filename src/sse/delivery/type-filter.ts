/** The `types` parameter: event names, comma separated, `*` at the end of a name standing for any ending. */
export interface TypeFilter {
  /** Equal for filters that pass the same names. */
  readonly key: string
  passes(event: string): boolean
}

export const EVERY_TYPE: TypeFilter = { key: '*', passes: () => true }

/** Empty names are ignored; a text without any name filters nothing. */
export function parseTypeFilter(text: string | undefined): TypeFilter {
  const names = [...new Set((text ?? '').split(',').map((name) => name.trim()))].filter((name) => name !== '').sort()
  if (names.length === 0 || names.includes('*')) return EVERY_TYPE
  const exact = new Set(names.filter((name) => !name.endsWith('*')))
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  return {
    key: names.join(','),
    passes: (event) => exact.has(event) || prefixes.some((prefix) => event.startsWith(prefix)),
  }
}

/** Those of the names that the filter passes, and no others. */
export function narrowed(names: readonly string[], filter: TypeFilter): TypeFilter {
  const passing = names.filter((name) => filter.passes(name))
  return { key: `only ${passing.join(',')}`, passes: (event) => passing.includes(event) }
}
