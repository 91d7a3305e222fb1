/**
 * Ranges of the page's files (RFC 9110, 14). The library that serves them takes what it cannot read for the range that
 * begins at 0, so it gets to see only what it can: one range of bytes.
 */
import type { MiddlewareHandler } from 'hono'
import { Problem } from '../base/errors.ts'

/** A range that no file has: the library answers it with 416 and the length of the file. */
const UNSATISFIABLE = 'bytes=-0'
const RANGES = /^([!#$%&'*+.^_`|~\w-]+)=(.+)$/
const ONE_RANGE = /^(?:(\d+)-(\d*)|-\d+)$/

/** Reduces `Range` to what can be served, or has it answered with 416. */
export const onlyReadableRanges: MiddlewareHandler = async (c, next) => {
  const given = c.req.header('Range')
  if (given !== undefined) {
    // No file has an entity tag, so nothing strong can be compared; the file as a whole is always right.
    const range = c.req.header('If-Range') === undefined ? readable(given) : undefined
    if (range === undefined) c.req.raw.headers.delete('Range')
    else c.req.raw.headers.set('Range', range)
  }
  await next()
  if (c.res.status === 416) {
    throw new Problem('range_not_satisfiable', 'The file has no such range. Content-Range says how long it is.')
  }
}

/** The part of some bytes that a range such as `bytes=0-9`, as the middleware leaves it, asks for; null: there is none. */
export function partOf(length: number, range: string): { readonly first: number; readonly last: number } | null {
  const [from = '', to = ''] = range.slice('bytes='.length).split('-')
  const first = from === '' ? Math.max(0, length - Number(to)) : Number(from)
  const last = from === '' || to === '' ? length - 1 : Math.min(Number(to), length - 1)
  return first <= last ? { first, last } : null
}

/** One range of bytes; undefined for what is to be ignored. */
function readable(given: string): string | undefined {
  const [, unit, list = ''] = RANGES.exec(given.trim()) ?? []
  if (unit === undefined) return UNSATISFIABLE
  // An unknown unit must be ignored.
  if (unit.toLowerCase() !== 'bytes') return undefined
  const items = list.split(',').map((item) => item.trim())
  if (!items.every(isRange)) return UNSATISFIABLE
  // The answer to several would be in parts; a server may send the whole instead.
  return items.length === 1 ? `bytes=${items[0]}` : undefined
}

function isRange(item: string): boolean {
  const match = ONE_RANGE.exec(item)
  if (!match) return false
  const [, first, last] = match
  return first === undefined || !last || Number(first) <= Number(last)
}
