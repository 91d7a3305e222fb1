/** Whether an event comes when it is committed: the time from the answer to its POST to its arrival. */
import { causeOf, timeOf } from '../findings/causes.ts'
import { type Finding, fail, ok, warn } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import type { RecordedStream } from '../road/recorded-stream.ts'
import { type Bench, OPENING_MS, PATIENCE_MS } from './bench.ts'

const EVENTS = 5
/** Event and answer come the same way, so that its length does not count. */
const DELAYED_MS = 150
const HELD_MS = 1_000
/** What arrives so shortly before the end of the stream arrived with it. */
const WITH_END_MS = 100
/** Streams that may be cut before the result counts. */
const MAX_TRIES = 4

export interface Holding {
  /** For each event, how long after the answer to its POST it came; undefined: not in time. */
  readonly heldMs: readonly (number | undefined)[]
  /** When the first event that was held came; undefined: it never did. */
  readonly lateMs: number | undefined
}

export async function probeBuffering(bench: Bench): Promise<Finding> {
  let stream = bench.main
  const heldMs: (number | undefined)[] = []
  let late: { readonly n: number; readonly answeredAt: number } | undefined
  for (let tries = 0; heldMs.length < EVENTS; ) {
    if (late === undefined && isOver(stream, bench)) stream = bench.openBriefly()
    await stream.until(() => stream.event('hello') !== undefined, OPENING_MS)
    const { n, answeredAt } = await bench.post()
    // If one did not come in time, the others are only posted.
    const at = await bench.arrivalOf(stream, n, late === undefined ? HELD_MS : 0)
    if (at === undefined && wasCut(stream, bench) && tries < MAX_TRIES) {
      tries += 1 // Another cause than the one that is looked for.
      continue
    }
    const isHeld = at === undefined || (at - answeredAt > WITH_END_MS && (await cameWithEnd(stream, at)))
    heldMs.push(isHeld ? undefined : Math.max(0, at - answeredAt))
    if (isHeld) late ??= { n, answeredAt }
  }
  const lateAt = late && (await bench.arrivalOf(stream, late.n, bench.briefMs + PATIENCE_MS))
  stream.close()
  const finding = judgeHolding({ heldMs, lateMs: late && lateAt && lateAt - late.answeredAt }, bench.middle)
  return { ...finding, explainedBy: [] }
}

/** Whether it has ended, or the server ends it too soon for another event, even if that end does not come. */
function isOver({ end, askedAt }: RecordedStream, { briefMs }: Bench): boolean {
  return end !== undefined || performance.now() - askedAt > briefMs / 2
}

/** Whether it ended before the server had ended it. */
function wasCut({ end, askedAt }: RecordedStream, { briefMs }: Bench): boolean {
  return end !== undefined && end.at - askedAt < 0.9 * briefMs
}

async function cameWithEnd(stream: RecordedStream, at: number): Promise<boolean> {
  await stream.until(() => false, WITH_END_MS)
  return stream.end !== undefined && stream.end.at - at < WITH_END_MS
}

export function judgeHolding({ heldMs, lateMs }: Holding, middle: Middle): Finding {
  const prompt = heldMs.filter((ms) => ms !== undefined)
  const measured = {
    events: heldMs.length,
    inTime: prompt.length,
    heldMs: prompt.length === 0 ? null : Math.round(Math.min(...prompt)),
    maxHeldMs: prompt.length === 0 ? null : Math.round(Math.max(...prompt)),
  }
  if (prompt.length < heldMs.length) {
    const came = lateMs === undefined ? 'never came' : `came only ${timeOf(lateMs)} after the answer to the POST`
    const shows = `${heldMs.length - prompt.length} of ${heldMs.length} events ${came}`
    return fail(measured, causeOf('buffers', middle, shows))
  }
  // A busy machine makes some events late, and some answers, after which their events seem to come at once.
  const usual = prompt.toSorted((a, b) => a - b)[Math.floor(prompt.length / 2)] ?? 0
  if (usual < DELAYED_MS) return ok(measured, `an event is held back for ${timeOf(usual)} after the answer to its POST`)
  return warn(measured, causeOf('delays', middle, `most came so long after the answer to their POST`, timeOf(usual)))
}
