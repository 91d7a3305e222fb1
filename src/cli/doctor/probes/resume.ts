/** Whether a stream resumes from an id, in the header and in the query. */
import { HEADER } from '../../../../shared/src/protocol.ts'
import { causeOf } from '../findings/causes.ts'
import { type Finding, fail, ok } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import type { RecordedStream } from '../road/recorded-stream.ts'
import { type Bench, PATIENCE_MS } from './bench.ts'

export interface Resumed {
  /** What `hello` says about it; undefined: none came. */
  readonly header: boolean | undefined
  readonly query: boolean | undefined
  /** Whether both streams brought the events that were posted after the id. */
  readonly isComplete: boolean
}

export async function probeResume(bench: Bench): Promise<Finding> {
  const [first, ...missed] = bench.posted
  const id = first?.id || bench.main.event('hello')?.id
  if (id === undefined) {
    return fail({}, { culprit: 'the server has named no id to resume from', fix: 'hand on the stream as it comes' })
  }
  const last = missed.at(-1)?.n
  const [header, query] = [
    await resumedOf(bench, bench.open({}, { [HEADER.lastEventId]: id }), last),
    await resumedOf(bench, bench.open({ lastEventId: id }), last),
  ]
  return judgeResumed(
    { header: header.isResumed, query: query.isResumed, isComplete: header.isComplete && query.isComplete },
    bench.middle,
  )
}

/** `last`: the newest of the events that it must bring, if there are any. */
async function resumedOf(bench: Bench, stream: RecordedStream, last: number | undefined) {
  await stream.until(() => stream.event('hello') !== undefined, PATIENCE_MS)
  if (stream.error !== undefined) throw stream.error
  const hello = stream.event('hello')
  const isResumed = hello && hello.data.resumed === true
  const isComplete = !isResumed || last === undefined || (await bench.arrivalOf(stream, last)) !== undefined
  stream.close()
  return { isResumed, isComplete }
}

export function judgeResumed({ header, query, isComplete }: Resumed, middle: Middle): Finding {
  const measured = { header: header ?? null, query: query ?? null }
  if (header && query && isComplete) return ok(measured, `by ${HEADER.lastEventId} and by the query`)
  if (query && !header) {
    const shows = 'a stream resumes from an id in the query, but not from one in the header'
    return fail(measured, causeOf('drops', middle, shows, HEADER.lastEventId))
  }
  return fail(measured, {
    culprit:
      header && query
        ? 'a stream resumes, but the events that were missed do not come'
        : `a stream does not resume from an id in the query${header ? '' : ', nor from one in the header'}`,
    fix: 'hand on /sse without changing requests or answers, and without a cache',
  })
}
