/** Event names that a reader wants; `*` at the end of one stands for any ending. */
export interface TypeFilter {
  /** As the server takes it; empty for all. */
  readonly text: string
  /** Those without a star: an EventSource must ask for them where the server does not know `names=0`. */
  readonly names: readonly string[]
  passes(event: string): boolean
}

export function typeFilter(types: readonly string[] = []): TypeFilter {
  const given = types.map((type) => type.trim()).filter((type) => type !== '')
  const prefixes = given.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1))
  const names = given.filter((type) => !type.endsWith('*'))
  if (given.length === 0 || prefixes.includes('')) return { text: '', names, passes: () => true }
  return {
    text: given.join(','),
    names,
    passes: (event) => names.includes(event) || prefixes.some((prefix) => event.startsWith(prefix)),
  }
}
