/** Streams on which nothing happens: heartbeats come, and nobody cuts them. */
import { causeOf, timeOf } from '../findings/causes.ts'
import { type Finding, fail, ok, skip, warn } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import type { RecordedStream } from '../road/recorded-stream.ts'
import { type Bench, STAGGER_MS } from './bench.ts'

/** A heartbeat may be late by this much, and a timeout of a proxy may be so coarse. */
const SLACK_MS = 1_000
/** With `--full`: cuts after 30 s and 60 s are seen. */
const FULL_WATCH_MS = 75_000
/** Longest wait for a heartbeat, in both ways of running. */
const LONGEST_MS = { usual: 22_000, full: FULL_WATCH_MS }

export async function probeHeartbeat(bench: Bench): Promise<Finding> {
  const [stream] = bench.quiet
  const everyMs = await bench.heartbeatMs()
  if (everyMs > longestOf(bench)) return tooSeldom(bench, everyMs)
  await stream.until(() => stream.event('heartbeat') !== undefined, 1.25 * everyMs + SLACK_MS)
  const from = stream.event('hello')?.at ?? stream.askedAt
  const at = stream.event('heartbeat')?.at
  if (at === undefined && stream.end !== undefined) {
    return skip({ everyMs, because: 'idle' }, 'skipped, because the stream ended before')
  }
  return judgeHeartbeat({ everyMs, firstMs: at && at - from, waitedMs: performance.now() - from }, bench.middle)
}

export async function probeIdle(bench: Bench): Promise<Finding> {
  const [first, later] = bench.quiet
  const everyMs = await bench.heartbeatMs()
  if (everyMs > longestOf(bench)) return tooSeldom(bench, everyMs)
  const watchMs = watchMsOf(bench, everyMs)
  const second = await later
  await first.until(() => false, watchMs)
  // If the first one was cut, the second one is watched until it is certain to be older.
  const ageMs = first.end === undefined ? watchMs : first.end.at - first.askedAt + SLACK_MS / 2
  await second.until(() => false, second.askedAt + ageMs - performance.now())
  return judgeQuiet([cutOf(first), cutOf(second)], { watchedMs: performance.now() - second.askedAt }, bench.middle)
}

/** Heartbeats that come more seldom are not waited for. */
export function longestOf({ isFull }: Bench): number {
  return isFull ? LONGEST_MS.full : LONGEST_MS.usual
}

/** How long something quiet is watched. */
export function watchMsOf({ isFull }: Bench, everyMs: number): number {
  return isFull ? FULL_WATCH_MS : 1.05 * everyMs + SLACK_MS / 2
}

/** Two that were opened at different times. If they end at the same moment, something was restarted. */
export function isSameAge(firstMs: number | undefined, secondMs: number | undefined): boolean {
  return firstMs !== undefined && secondMs !== undefined && Math.abs(secondMs - firstMs) < STAGGER_MS / 2
}

function tooSeldom({ isFull }: Bench, everyMs: number): Finding {
  return skip(
    { everyMs },
    `heartbeats come every ${timeOf(everyMs)}, which is too long to wait for${isFull ? '' : '; try --full'}`,
  )
}

export interface Heartbeats {
  readonly everyMs: number
  /** After `hello`; undefined: none came. */
  readonly firstMs: number | undefined
  readonly waitedMs: number
}

export function judgeHeartbeat({ everyMs, firstMs, waitedMs }: Heartbeats, middle: Middle): Finding {
  if (firstMs !== undefined) {
    return ok({ everyMs, firstMs: Math.round(firstMs) }, `every ${timeOf(everyMs)}, the first after ${timeOf(firstMs)}`)
  }
  return fail(
    { everyMs, firstMs: null },
    {
      culprit: `${middle.name} hands no heartbeats on: none came in ${timeOf(waitedMs)}, and the server sends one every ${timeOf(everyMs)}`,
      fix: 'hand on what comes at once, however short it is',
    },
  )
}

/** How a quiet stream fared. */
export interface Cut {
  /** undefined: it is open. */
  readonly ageMs: number | undefined
  /** The silence before its end. */
  readonly quietMs: number
  readonly endedAt: number | undefined
  readonly heartbeats: number
  readonly isDraining: boolean
  /** Whether anything came at all. */
  readonly hasBegun: boolean
}

function cutOf({ askedAt, end, lastByteAt, events }: RecordedStream): Cut {
  const until = end?.at ?? performance.now()
  return {
    ageMs: end && end.at - askedAt,
    quietMs: until - (lastByteAt ?? askedAt),
    endedAt: end?.at,
    heartbeats: events.filter(({ event }) => event === 'heartbeat').length,
    isDraining: events.some(({ event }) => event === 'draining'),
    hasBegun: events.length > 0,
  }
}

export function judgeQuiet(cuts: readonly [Cut, Cut], { watchedMs }: { watchedMs: number }, middle: Middle): Finding {
  const [first, second] = cuts
  const heartbeats = first.heartbeats + second.heartbeats
  if (!first.hasBegun && !second.hasBegun) {
    return fail(
      { watchedMs: Math.round(watchedMs) },
      { culprit: `${middle.name} lets nothing through on a stream on which nothing happens` },
    )
  }
  if (first.endedAt === undefined && second.endedAt === undefined) {
    return ok({ watchedMs: Math.round(watchedMs), cutAfterMs: null }, `not cut in ${timeOf(watchedMs)}`)
  }
  const ageMs = first.ageMs ?? second.ageMs ?? 0
  const measured = { watchedMs: Math.round(watchedMs), cutAfterMs: Math.round(ageMs), heartbeats }
  if (!isSameAge(first.ageMs, second.ageMs) || first.isDraining || second.isDraining) {
    return warn(measured, {
      culprit: `a stream was cut after ${timeOf(ageMs)}, but not every one at this age: the server or a proxy may have restarted`,
      fix: 'run it again',
    })
  }
  if (heartbeats > 0) {
    return fail(measured, causeOf('endsOld', middle, `two streams ended at that age`, timeOf(ageMs)))
  }
  return fail(
    { ...measured, quietMs: Math.round(first.quietMs) },
    causeOf('cutsQuiet', middle, 'two streams ended so long after their last byte', timeOf(first.quietMs)),
  )
}
