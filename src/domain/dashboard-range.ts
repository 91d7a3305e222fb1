/** The time range of an overview, and the buckets of its series. */
import { type DashboardRange, SERIES_BUCKETS } from '../../shared/src/types/dashboard.ts'
import type { Bucket } from '../db/rows/dashboard-metrics.ts'

const DAY_MS = 86_400_000
const LENGTH_MS: Readonly<Record<Exclude<DashboardRange, 'all_time'>, number>> = {
  last_24h: DAY_MS,
  last_7d: 7 * DAY_MS,
  last_30d: 30 * DAY_MS,
  last_90d: 90 * DAY_MS,
}

/** A time range in milliseconds since 1970, both ends included. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** `first` is when the first board was created, ISO 8601. Without boards, `all_time` is the present instant. */
export function spanOf(range: DashboardRange, nowMs: number, first: string | undefined): Span {
  if (range !== 'all_time') return { fromMs: nowMs - LENGTH_MS[range], toMs: nowMs }
  return { fromMs: first === undefined ? nowMs : Math.min(Date.parse(first), nowMs), toMs: nowMs }
}

/** Divides the range into equal parts; the last one includes its end. */
export function bucketsOf({ fromMs, toMs }: Span): Bucket[] {
  const edge = (index: number) => iso(Math.floor(fromMs + ((toMs - fromMs) * index) / SERIES_BUCKETS))
  return Array.from({ length: SERIES_BUCKETS }, (_, index) => ({
    low: edge(index),
    high: index === SERIES_BUCKETS - 1 ? iso(toMs + 1) : edge(index + 1),
  }))
}

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
