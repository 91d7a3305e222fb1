/** The status and the headers of a stream. */
import { setTimeout as sleep } from 'node:timers/promises'
import { backOffMs, isBusy, retryAfterMs } from '../../api/retry.ts'
import { causeOf, timeOf } from '../findings/causes.ts'
import { type Finding, fail, ok, warn } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import type { Head, RecordedStream } from '../road/recorded-stream.ts'
import { type Bench, hasLostToken, OPENING_MS, PATIENCE_MS, problemOf, RIGHTS, throwIfMissing } from './bench.ts'

export async function probeHead(bench: Bench): Promise<Finding> {
  const { middle, road } = bench
  const main = await begun(bench)
  const { head } = main
  if (main.error !== undefined) throw main.error
  if (head === undefined) {
    const shows = `nothing came for ${timeOf(performance.now() - main.askedAt)}, not even after the server had ended the stream`
    return { ...fail({ status: null }, causeOf('buffers', middle, shows)), explainedBy: [] }
  }
  if (main.isStream) {
    // Without its query the stream would be another one.
    await main.until(() => main.event('hello') !== undefined, OPENING_MS)
    const hello = main.event('hello')
    if (hello !== undefined && hello.channel === undefined) {
      const shows = 'a stream of a channel was asked for, and that of the dashboard came'
      return { ...fail({ status: head.status, query: false }, causeOf('dropsQuery', middle, shows)), explainedBy: [] }
    }
    return { ...judgeHead(head, middle), explainedBy: [] }
  }
  await main.until(() => false, PATIENCE_MS)
  const refused = { status: head.status, headers: head.headers, body: main.refusal }
  throwIfMissing(refused, `subscribe on ${RIGHTS}`, road.hasToken)
  if (hasLostToken(refused, road.hasToken)) {
    return fail({ status: head.status }, causeOf('drops', middle, 'the server got no token', 'Authorization'))
  }
  return { ...judgeHead(head, middle, problemOf(main.refusal).detail), explainedBy: [] }
}

/** The main stream, with its head. A refusal that passes, such as the 504 of a proxy, is tried again. */
async function begun(bench: Bench): Promise<RecordedStream> {
  const until = performance.now() + PATIENCE_MS
  for (let tries = 0; ; tries += 1) {
    const { main } = bench
    await main.until(() => main.head !== undefined, bench.briefMs + PATIENCE_MS)
    const delayMs = Math.max(backOffMs(tries), retryAfterMs(main.head?.headers['retry-after']))
    if (!isBusy(main.head?.status ?? 0) || performance.now() + delayMs > until) return main
    await sleep(delayMs)
    bench.reopenMain()
  }
}

export function judgeHead({ status, headers }: Head, middle: Middle, detail = ''): Finding {
  const type = headers['content-type']
  const caching = headers['cache-control']
  const measured = { status, contentType: type ?? null, cacheControl: caching ?? null }
  if (status !== 200) {
    return fail(measured, {
      culprit: `${middle.name} answers ${status} in place of a stream${detail && `: ${detail}`}`,
      fix: 'hand /sse on to the server as it comes',
    })
  }
  if (!/^text\/event-stream\b/i.test(type ?? '')) {
    return fail(
      measured,
      causeOf('changesType', middle, 'a browser ends such a stream for good', type ?? 'no Content-Type'),
    )
  }
  if (!/no-cache|no-store/.test(caching ?? '') || !/no-transform/.test(caching ?? '')) {
    const what = caching === undefined ? 'no Cache-Control' : `Cache-Control: ${caching}`
    return warn(measured, causeOf('changesCaching', middle, 'the server sends no-cache, no-transform', what))
  }
  return ok(measured, `${status}, ${type}`)
}
