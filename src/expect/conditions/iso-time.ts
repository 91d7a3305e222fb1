import type { Envelope } from './envelope.ts'

/** Such as `2026-11-30T12:03:07.412Z`; the number itself if it is no time. */
export function isoTime({ timestamp }: Envelope): string {
  const time = new Date(timestamp)
  return Number.isNaN(time.getTime()) ? String(timestamp) : time.toISOString()
}
