/** A filter of event names: exact names, and prefixes, which are written with `*` at the end. */
export interface TypeFilter {
  /** In its shortest form, as the `types` parameter takes it; equal for filters that pass the same names. */
  readonly key: string
  /** Those without a star. */
  readonly names: readonly string[]
  passes(event: string): boolean
}

export const EVERY_TYPE: TypeFilter = { key: '*', names: [], passes: () => true }

/** Empty names are ignored; without any name nothing is filtered. */
export function typeFilter(types: readonly string[]): TypeFilter {
  const given = [...new Set(types.map((type) => type.trim()))].filter((type) => type !== '').sort()
  const names = given.filter((type) => !type.endsWith('*'))
  if (given.length === 0) return EVERY_TYPE
  if (given.includes('*')) return { ...EVERY_TYPE, names }
  const exact = new Set(names)
  const prefixes = given.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1))
  return {
    key: given.join(','),
    names,
    passes: (event) => exact.has(event) || prefixes.some((prefix) => event.startsWith(prefix)),
  }
}

/** The `types` parameter: names, comma separated. */
export function parseTypeFilter(text: string | undefined): TypeFilter {
  return text === undefined ? EVERY_TYPE : typeFilter(text.split(','))
}

/** Passes those of the names that the filter passes, and no others. */
export function narrowed(names: readonly string[], filter: TypeFilter): TypeFilter {
  const passing = names.filter((name) => filter.passes(name))
  return { key: `only ${passing.join(',')}`, names: passing, passes: (event) => passing.includes(event) }
}
