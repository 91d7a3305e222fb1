/** The id of a request, which its answer carries and log lines name. */
import type { IncomingHttpHeaders } from 'node:http'
import { uuidv7 } from 'uuidv7'
import { HEADER } from '../../shared/src/protocol.ts'

const FIELD = HEADER.requestId.toLowerCase()
const LEGAL = /^[\w.:-]{1,128}$/

/** Takes the id that the client gave when it is one, else one of `next`'s. */
export function requestIdOf(headers: IncomingHttpHeaders, next: () => string = uuidv7): string {
  const given = headers[FIELD]
  return typeof given === 'string' && LEGAL.test(given) ? given : next()
}

/** Ids that are unique among the runs of this program, and cheap: every reply carries one. */
export function requestIds(): () => string {
  const run = uuidv7().replaceAll('-', '')
  let count = 0
  return () => {
    count += 1
    return `${run}-${count}`
  }
}
