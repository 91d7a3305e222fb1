/** Whether headers pass, in requests and in answers. `Last-Event-ID` is in `resume`, `Accept-Encoding` in `compression`. */
import { HEADER } from '../../../../shared/src/protocol.ts'
import { socketPathOf } from '../../api/fetch.ts'
import { causeOf } from '../findings/causes.ts'
import { type Finding, fail, ok } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import type { Answer } from '../road/road.ts'
import { type Bench, hasLostToken, problemOf } from './bench.ts'

type HeaderAnswer = Pick<Answer, 'status' | 'headers'>

export interface HeaderAnswers {
  /** To a POST. */
  readonly first: HeaderAnswer
  /** To the same POST, under the same `Idempotency-Key`. */
  readonly again: HeaderAnswer
  /** To the same POST, as a page of this address would send it. */
  readonly fromPage: HeaderAnswer
  readonly hasToken: boolean
}

export async function probeHeaders(bench: Bench): Promise<Finding> {
  const { road, topic, middle } = bench
  const key = { [HEADER.idempotencyKey]: `${topic}-headers`, [HEADER.requestId]: `${topic.replace(':', '-')}` }
  const first = await bench.send(0, key)
  if (hasLostToken(first, road.hasToken)) {
    return fail({ status: 401 }, causeOf('drops', middle, 'the server got no token', 'Authorization'))
  }
  if (first.status !== 202) {
    const { detail } = problemOf(first.body)
    return fail(
      { status: first.status },
      causeOf('blocksPosts', middle, detail || 'not by the server', `${first.status}`),
    )
  }
  const again = await bench.send(0, key)
  const origin: Record<string, string> =
    socketPathOf(road.baseUrl) === undefined ? { Origin: new URL(road.baseUrl).origin } : {}
  const fromPage = await bench.send(0, { ...key, ...origin })
  return judgeHeaders({ first, again, fromPage, hasToken: road.hasToken }, middle)
}

export function judgeHeaders({ first, again, fromPage, hasToken }: HeaderAnswers, middle: Middle): Finding {
  const eventId = first.headers['event-id']
  const isReplayed = again.headers['idempotency-replayed'] === 'true'
  const found: Array<ReturnType<typeof causeOf>> = []
  const hidden = (header: string) => found.push(causeOf('hides', middle, 'the server sends it', header))
  if (eventId === undefined) hidden(HEADER.eventId)
  if (first.headers['x-request-id'] === undefined) hidden(HEADER.requestId)
  if (!isReplayed) {
    if (eventId !== undefined && again.headers['event-id'] === eventId) hidden(HEADER.idempotencyReplayed)
    else if (eventId !== undefined) {
      const shows = 'the same POST under the same key was carried out twice'
      found.push(causeOf('drops', middle, shows, HEADER.idempotencyKey))
    }
  }
  if (fromPage.status === 403) {
    found.push(causeOf('replacesHost', middle, 'a POST with the Origin of this address is answered 403'))
  }
  const measured = {
    eventId: eventId !== undefined,
    requestId: first.headers['x-request-id'] !== undefined,
    idempotency: isReplayed,
    origin: fromPage.status !== 403,
    authorization: hasToken ? true : null,
  }
  if (found.length === 0) {
    return ok(measured, `pass both ways${hasToken ? '' : ' (Authorization: not tested without a token)'}`)
  }
  const fixes = found.flatMap(({ fix }) => fix ?? [])
  return fail(measured, {
    culprit: found.map(({ culprit }) => culprit).join('; '),
    fix: fixes.join(middle.kind === 'nginx' ? ' ' : ', '),
  })
}
