/**
 * Range requests for the page's files (RFC 9110, 14). The library that serves them treats a range that it cannot read as
 * one that begins at 0, so it is given only what it can read: a single range of bytes.
 */
import type { MiddlewareHandler } from 'hono'
import { Problem } from '../base/errors.ts'

/** No file has this range: the library answers it with 416 and the length of the file. */
const UNSATISFIABLE = 'bytes=-0'
const RANGES = /^([!#$%&'*+.^_`|~\w-]+)=(.+)$/
const ONE_RANGE = /^(?:(\d+)-(\d*)|-\d+)$/

/** Reduces `Range` to what can be served, or to a range that is answered with 416. */
export const onlyReadableRanges: MiddlewareHandler = async (c, next) => {
  const given = c.req.header('Range')
  if (given !== undefined) {
    // No file has an entity tag, so `If-Range` cannot be compared. The whole file is always a valid answer.
    const range = c.req.header('If-Range') === undefined ? readable(given) : undefined
    if (range === undefined) c.req.raw.headers.delete('Range')
    else c.req.raw.headers.set('Range', range)
  }
  await next()
  if (c.res.status === 416) {
    throw new Problem('range_not_satisfiable', 'The file has no such range. Content-Range says how long it is.')
  }
}

/** The part of `length` bytes that a range such as `bytes=0-9`, reduced as above, selects; null: there is none. */
export function partOf(length: number, range: string): { readonly first: number; readonly last: number } | null {
  const [from = '', to = ''] = range.slice('bytes='.length).split('-')
  const first = from === '' ? Math.max(0, length - Number(to)) : Number(from)
  const last = from === '' || to === '' ? length - 1 : Math.min(Number(to), length - 1)
  return first <= last ? { first, last } : null
}

/** A single range of bytes; undefined: `Range` is to be ignored. */
function readable(given: string): string | undefined {
  const [, unit, list = ''] = RANGES.exec(given.trim()) ?? []
  if (unit === undefined) return UNSATISFIABLE
  // An unknown unit must be ignored.
  if (unit.toLowerCase() !== 'bytes') return undefined
  const items = list.split(',').map((item) => item.trim())
  if (!items.every(isRange)) return UNSATISFIABLE
  // The answer to several ranges would be multipart. A server may send the whole file instead.
  return items.length === 1 ? `bytes=${items[0]}` : undefined
}

function isRange(item: string): boolean {
  const match = ONE_RANGE.exec(item)
  if (!match) return false
  const [, first, last] = match
  return first === undefined || !last || Number(first) <= Number(last)
}
