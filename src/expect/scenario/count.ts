/** How many events an expectation asks for: `N`, `N+`, `N..M` or `..M`. */
export interface Count {
  readonly min: number
  /** Infinity if there is no upper bound. */
  readonly max: number
}

export const ONE_OR_MORE: Count = { min: 1, max: Number.POSITIVE_INFINITY }
export const NONE: Count = { min: 0, max: 0 }

/** A string is returned for what is not a count: why, in words that follow the text. */
export function parseCount(text: string): Count | string {
  const [, from = '', rest = '', to = ''] = /^(\d{0,9})(\+|\.\.)?(\d{0,9})$/.exec(text) ?? []
  const min = Number(from || '0')
  if (rest === '+' && from !== '' && to === '') return { min, max: Number.POSITIVE_INFINITY }
  if (rest === '..' && from !== '' && to === '') return `has no end; did you mean ${from}+?`
  if (rest === '..' && to !== '') return min <= Number(to) ? { min, max: Number(to) } : 'ends before it begins'
  if (rest === '' && from !== '') return { min, max: min }
  return 'is not a count: use N, N+, N..M or ..M'
}

/** Such as `1 or more`, `exactly 2`. */
export function countPhrase({ min, max }: Count): string {
  if (max === Number.POSITIVE_INFINITY) return `${min} or more`
  if (max === 0) return 'none'
  if (min === max) return `exactly ${min}`
  return min === 0 ? `at most ${max}` : `${min} to ${max}`
}
