/** Several streams at once. */
import { isBusy, isNobody } from '../../api/retry.ts'
import { causeOf, timeOf } from '../findings/causes.ts'
import { type Finding, fail, ok } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import type { RecordedStream } from '../road/recorded-stream.ts'
import { type Bench, MissingRight, PATIENCE_MS, problemOf } from './bench.ts'

const STREAMS = 8

export interface Parallel {
  readonly streams: number
  /** How many have begun. */
  readonly opened: number
  /** How many of these have brought an event that was posted then. */
  readonly received: number
  /** Statuses other than 200. */
  readonly refused: readonly number[]
  /** The server itself has refused a stream, with this sentence. */
  readonly byServer: string | undefined
  readonly slowestMs: number
}

export async function probeParallel(bench: Bench): Promise<Finding> {
  const streams = Array.from({ length: STREAMS }, () => bench.open())
  const hasBegun = (stream: RecordedStream) => stream.event('hello') !== undefined
  await Promise.all(streams.map((stream) => stream.until(() => hasBegun(stream), PATIENCE_MS)))
  const begun = streams.filter(hasBegun)
  const lost = streams.find(({ error }) => isNobody(error))
  if (lost?.error !== undefined) throw lost.error
  const refused = streams.flatMap(({ head }) => (head === undefined || head.status === 200 ? [] : [head.status]))
  const refusals = streams.flatMap((stream) => {
    const { code, detail } = problemOf(stream.refusal)
    return code !== undefined ? detail : stream.event('overloaded') ? 'overloaded' : []
  })
  const slowestMs = Math.max(0, ...begun.map((stream) => (stream.event('hello')?.at ?? 0) - stream.askedAt))
  const received = begun.length === STREAMS ? await receivedOn(bench, begun) : begun.length
  for (const stream of streams) stream.close()
  const facts = { streams: STREAMS, opened: begun.length, received, refused, byServer: refusals[0], slowestMs }
  return judgeParallel(facts, bench.middle)
}

/** How many of the streams bring an event that is posted now. */
async function receivedOn(bench: Bench, streams: readonly RecordedStream[]): Promise<number> {
  try {
    const { n } = await bench.post()
    const arrivals = await Promise.all(streams.map((stream) => bench.arrivalOf(stream, n)))
    // That streams are cut is not this probe's business.
    return streams.filter(({ end }, at) => arrivals[at] !== undefined || end !== undefined).length
  } catch (error) {
    if (error instanceof MissingRight) return streams.length
    throw error
  }
}

export function judgeParallel(facts: Parallel, middle: Middle): Finding {
  const { streams, opened, received, refused, byServer, slowestMs } = facts
  const measured = { streams, opened, received, slowestMs: Math.round(slowestMs) }
  if (opened === streams && received === streams) {
    return ok(measured, `${streams} streams, all open after ${timeOf(slowestMs)}`)
  }
  const [status] = refused
  if (byServer !== undefined) {
    return fail(measured, {
      culprit: `the server admits only ${opened} of ${streams} more streams (${byServer})`,
      fix: 'raise BOARDCAST_MAX_STREAMS, or close other streams of this client',
    })
  }
  if (opened < streams) {
    const shows =
      status === undefined
        ? 'the others do not begin'
        : `the others are answered ${status}${isBusy(status) ? '' : ', which ends them for good'}`
    return fail(measured, causeOf('limitsStreams', middle, shows, `${opened} of ${streams} streams at once`))
  }
  return fail(measured, {
    culprit: `with ${streams} streams open, an event came on ${received} of them only`,
    fix: 'raise the number of connections to the server',
  })
}
