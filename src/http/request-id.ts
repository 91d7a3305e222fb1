/** Request ids, as they appear in responses and log lines. */
import type { IncomingHttpHeaders } from 'node:http'
import { uuidv7 } from 'uuidv7'
import { HEADER } from '../../shared/src/protocol.ts'

const FIELD = HEADER.requestId.toLowerCase()
const LEGAL = /^[\w.:-]{1,128}$/

/** The id from the client if it is valid, otherwise the next one. */
export function requestIdOf(headers: IncomingHttpHeaders, next: () => string = uuidv7): string {
  const given = headers[FIELD]
  return typeof given === 'string' && LEGAL.test(given) ? given : next()
}

/** Ids that are unique across runs of the server and cheap to create, since every response has one. */
export function requestIds(): () => string {
  const prefix = uuidv7().replaceAll('-', '')
  let count = 0
  return () => {
    count += 1
    return `${prefix}-${count}`
  }
}
